// Judges Kubernetes objects by the schemas of Kubernetes 1.27 and of the Prometheus operator.
// usage: judge.mjs <objects.json    (a list of objects, none of them a list)
// Standard output: a JSON list of problems, each a sentence that names the object.
//
// Two judges, as neither sees all: the models know forms and what is required; the TypeScript
// compiler, told each object's type, finds the fields that are none.

import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);

// The package that knows an apiVersion's kinds.
function home(apiVersion) {
  return apiVersion.startsWith('monitoring.coreos.com/')
    ? `@kubernetes-models/prometheus-operator/${apiVersion}`
    : `kubernetes-models/${apiVersion}`;
}

function called(object) {
  return `${object.kind} ${object.metadata?.name}`;
}

function byModel(object) {
  let model;
  try {
    model = require(home(object.apiVersion))[object.kind];
  } catch {
    model = undefined;
  }
  if (!model) return `${called(object)}: ${object.apiVersion} has no such kind`;
  try {
    new model(object).validate();
  } catch (error) {
    return `${called(object)}: ${error.message}`;
  }
  return undefined;
}

function byCompiler(objects) {
  const lines = objects.map(({ apiVersion, kind }, n) =>
    `import type { I${kind} as T${n} } from ${JSON.stringify(home(apiVersion))};`);
  // One line each, so that a problem's line says whose it is.
  const literals = objects.map((object, n) =>
    `export const o${n}: T${n} = ${JSON.stringify(object)};`);
  const file = path.join(here, 'objects.ts'); // never written
  const options = {
    module: ts.ModuleKind.CommonJS, moduleResolution: ts.ModuleResolutionKind.Node10,
    noEmit: true, skipLibCheck: true, strict: true, target: ts.ScriptTarget.ES2022, types: [],
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  const text = [...lines, ...literals].join('\n');
  host.fileExists = (name) => name === file || fileExists(name);
  host.readFile = (name) => (name === file ? text : readFile(name));
  host.getSourceFile = (name, target, ...more) => (name === file
    ? ts.createSourceFile(name, text, target) : getSourceFile(name, target, ...more));
  const program = ts.createProgram([file], options, host);
  return ts.getPreEmitDiagnostics(program).map((problem) => {
    const line = problem.file?.getLineAndCharacterOfPosition(problem.start).line ?? 0;
    const whose = line >= lines.length ? called(objects[line - lines.length]) : lines[line];
    return `${whose}: ${ts.flattenDiagnosticMessageText(problem.messageText, ' ')}`;
  });
}

const objects = JSON.parse(fs.readFileSync(0, 'utf8'));
const strange = objects.map(byModel).filter(Boolean);
console.log(JSON.stringify([...strange, ...byCompiler(objects)]));
