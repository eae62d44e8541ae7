// Judges what goes to UPS and what comes back by prism, over UPS's OpenAPI files with their known
// bugs patched. Two HTTPS listeners that look like UPS:
//   mock   prism invents the answers; the requests are judged
//   proxy  the sandbox answers; requests and answers are judged
// usage: judge.mjs OPENAPI_FOLDER CERTIFICATE KEY SANDBOX_URL
// Standard output: {"mock":port,"proxy":port} once it listens, then a line for each call judged,
// and {"asked":true} for each line of standard input. Ends when that does.
//
// prism is driven through its own library, so that the files are read once and by one process.

import fs from 'node:fs';
import { createRequire } from 'node:module';
import https from 'node:https';
import path from 'node:path';

import { PATCHES } from './patches.mjs';

const require = createRequire(import.meta.url);
const yaml = require('js-yaml');
const { createClientFromOperations } = require('@stoplight/prism-http/dist/client');
const { getHttpOperationsFromSpec } = require('@stoplight/prism-http');

const [folder, certificateFile, keyFile, sandbox] = process.argv.slice(2);

// Which file a path belongs to, and what of the path prism does not know: it leaves out what stands
// in the server's address.
const APIS = [
  { file: 'OAuthClientCredentials', below: '/security/', prefix: '' },
  { file: 'AddressValidation', below: '/api/addressvalidation/', prefix: '/api' },
  { file: 'Rating', below: '/api/rating/', prefix: '/api' },
  { file: 'Shipping', below: '/api/shipments/', prefix: '/api' },
  { file: 'Shipping', below: '/api/labels/', prefix: '/api' },
  { file: 'Tracking', below: '/api/track/v1/', prefix: '/api' },
  { file: 'UPSTrackAlert', below: '/api/track/v2/', prefix: '/api/track/v2' },
];
const HOP_BY_HOP = [
  'connection', 'content-length', 'expect', 'host', 'keep-alive', 'transfer-encoding'];

const log = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'success'];
const silent = Object.fromEntries(LEVELS.map((level) => [level, () => {}]));
silent.child = () => silent;

async function readApis() {
  const clients = {};
  for (const file of new Set([...APIS, ...PATCHES].map((known) => known.file))) {
    const text = fs.readFileSync(path.join(folder, `${file}.yaml`), 'utf8');
    const api = yaml.load(text, { schema: yaml.CORE_SCHEMA });
    for (const { row, patch } of PATCHES.filter((one) => one.file === file)) {
      log({ patch: row, file, changed: patch(api) });
    }
    if (!APIS.some((one) => one.file === file)) continue;
    const found = await getHttpOperationsFromSpec(api);
    const shared = { checkSecurity: true, validateRequest: true, validateResponse: true,
      errors: false, mock: { dynamic: false }, logger: silent };
    clients[file] = {
      mock: createClientFromOperations(found, { ...shared, isProxy: false }),
      proxy: (prefix) => createClientFromOperations(
        found, { ...shared, isProxy: true, upstream: new URL(prefix, sandbox) }),
    };
  }
  return clients;
}

function read(request) {
  return new Promise((resolve, reject) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => resolve(Buffer.concat(parts).toString()));
    request.on('error', reject);
  });
}

function parsed(text, type) {
  if (text === '') return undefined;
  return /json/.test(type ?? '') ? JSON.parse(text) : text;
}

function shown(violations, side) {
  return violations.map(({ path: where, code, message }) => (
    { side, path: (where ?? []).join('.'), code: String(code ?? ''), message }));
}

async function judge(client, request, prefix) {
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => !HOP_BY_HOP.includes(name)));
  try {
    const body = parsed(await read(request), request.headers['content-type']);
    const answer = await client.request(request.url.slice(prefix.length),
      { method: request.method.toLowerCase(), headers, body });
    const violations = [...shown(answer.violations.input, 'request'),
      ...shown(answer.violations.output, 'response')];
    return { status: answer.status, headers: answer.headers, data: answer.data, violations };
  } catch (error) {
    const message = error.detail || error.title || error.message;
    return { status: error.status ?? 500, data: { message }, headers: {},
      violations: [...shown(error.additional?.validation ?? [], 'request'),
        { side: 'request', path: '', code: error.name, message }] };
  }
}

function send(reply, { status, headers, data }) {
  const text = typeof data === 'string' ? data : JSON.stringify(data ?? '');
  for (const name of ['content-type', 'retry-after']) {
    if (headers[name]) reply.setHeader(name, headers[name]);
  }
  reply.writeHead(status);
  reply.end(text);
}

// prism invents no token that could be used.
const TOKEN = { token_type: 'Bearer', issued_at: String(Date.now()), client_id: 'any', scope: '',
  access_token: 'invented', expires_in: '14399', refresh_count: '0', status: 'approved' };

async function listen(clients, phase) {
  const tls = { cert: fs.readFileSync(certificateFile), key: fs.readFileSync(keyFile) };
  const server = https.createServer(tls, async (request, reply) => {
    const api = APIS.find((one) => request.url.startsWith(one.below));
    if (!api) {
      const violations = [{ side: 'request', path: '', code: 'router', message: 'no such API' }];
      log({ phase, method: request.method, url: request.url, status: 404, violations });
      send(reply, { status: 404, headers: {}, data: '' });
      return;
    }
    const { mock, proxy } = clients[api.file];
    const client = phase === 'mock' ? mock : proxy(api.prefix || '/');
    const answer = await judge(client, request, api.prefix);
    log({ phase, method: request.method, url: request.url, status: answer.status,
      call: request.headers.transid ?? '', violations: answer.violations });
    if (phase === 'mock' && answer.status === 200 && api.file === 'OAuthClientCredentials') {
      answer.data = TOKEN;
    }
    send(reply, answer);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return server.address().port;
}

const clients = await readApis();
log({ mock: await listen(clients, 'mock'), proxy: await listen(clients, 'proxy') });
process.stdin.on('data', (lines) => {
  for (let i = 0; i < String(lines).length; i += 1) log({ asked: true });
});
process.stdin.on('end', () => process.exit(0));
