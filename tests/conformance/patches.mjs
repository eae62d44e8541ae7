// The bugs of UPS's published OpenAPI files that refuse legitimate traffic, taken out: a function
// for each. Each changes the parsed file in place and returns in how many places it did.

// --- row 1: the one valid action is shorter than the length that is wanted
function quantumViewActionHasEightCharacters(api) {
  const action = api.components.schemas.QuantumViewRequest_Request.properties.RequestAction;
  return drop(action, 'minLength') + drop(action, 'maxLength');
}

// --- row 2: a parameter of the path that is not in the path but in the server's address
function trackAlertVersionIsTheServers(api) {
  let changed = 0;
  for (const operation of operations(api)) {
    const wanted = (operation.parameters ?? []).filter((parameter) => parameter.name !== 'version');
    changed += (operation.parameters ?? []).length - wanted.length;
    operation.parameters = wanted;
  }
  if (changed === 0) return 0;
  for (const server of api.servers) server.variables = { version: { default: 'v2' } };
  return changed;
}

// --- row 3: recovery takes a number or a reference; both are required, and Roadie's list as well
function recoveryRequiresTheRequestOnly(api) {
  const recovery = api.components.schemas.LabelRecoveryRequest;
  if (recovery.required.length === 1) return 0;
  recovery.required = ['Request'];
  return 1;
}

// --- row 4: the names of label formats have three characters
function recoveryFormatsHaveThreeCharacters(api) {
  const format = api.components.schemas.LabelRecovery_LabelSpecification_LabelImageFormat;
  return lower(format.properties.Code, 'minLength', 3);
}

// --- row 5: service codes have two characters
function ratingServicesHaveTwoCharacters(api) {
  return lower(api.components.schemas.Shipment_Service.properties.Code, 'minLength', 2);
}

// --- row 5: the request option's own values have up to 17 characters
function rateOptionsHaveTheirLength(api) {
  let changed = 0;
  visit(api, (node) => {
    if (node.name === 'requestoption') changed += drop(node.schema, 'maxLength');
  });
  return changed;
}

// --- row 5: a declared value has as many characters as it needs, not eight
function ratedValuesHaveTheirLength(api) {
  const value = api.components.schemas.PackageServiceOptions_DeclaredValue.properties.MonetaryValue;
  return lower(value, 'minLength', 1);
}

// --- row 6: "maximum" was meant as how often a value may come, and stands at real numbers
function transitTimesHaveNoMaximum(api) {
  let changed = 0;
  visit(api, (node) => {
    if (node.type === 'number' || node.type === 'integer') changed += drop(node, 'maximum');
  });
  return changed;
}

// --- row 7: two paths are the same template, and the deprecated one is met
function deprecatedPathsAreGone(api) {
  const deprecated = Object.keys(api.paths).filter((path) => path.includes('{deprecatedVersion}'));
  for (const path of deprecated) delete api.paths[path];
  return deprecated.length;
}

// --- row 9: the text says 0 to 50 candidates
function noCandidatesMayBeAskedFor(api) {
  let changed = 0;
  visit(api, (node) => {
    if (node.name !== 'maximumcandidatelistsize' || node.schema?.minimum === 0) return;
    Object.assign(node.schema, { minimum: 0, maximum: 50 });
    changed += 1;
  });
  return changed;
}

export const PATCHES = [
  { row: 1, file: 'QuantumView', patch: quantumViewActionHasEightCharacters },
  { row: 2, file: 'UPSTrackAlert', patch: trackAlertVersionIsTheServers },
  { row: 3, file: 'Shipping', patch: recoveryRequiresTheRequestOnly },
  { row: 4, file: 'Shipping', patch: recoveryFormatsHaveThreeCharacters },
  { row: 5, file: 'Rating', patch: ratingServicesHaveTwoCharacters },
  { row: 5, file: 'Rating', patch: rateOptionsHaveTheirLength },
  { row: 5, file: 'Rating', patch: ratedValuesHaveTheirLength },
  { row: 6, file: 'TimeInTransit', patch: transitTimesHaveNoMaximum },
  ...['AddressValidation', 'Shipping', 'QuantumView', 'Rating'].map(
    (file) => ({ row: 7, file, patch: deprecatedPathsAreGone })),
  { row: 9, file: 'AddressValidation', patch: noCandidatesMayBeAskedFor },
];

function visit(node, each) {
  if (node === null || typeof node !== 'object') return;
  if (!Array.isArray(node)) each(node);
  for (const below of Object.values(node)) visit(below, each);
}

function operations(api) {
  return Object.values(api.paths).flatMap((path) => Object.values(path));
}

function drop(node, key) {
  if (!(key in node)) return 0;
  delete node[key];
  return 1;
}

function lower(node, key, to) {
  if (!(node[key] > to)) return 0;
  node[key] = to;
  return 1;
}
