/** Runs a TypeScript file's `main(arguments)` through Vite, since Node.js 20 does not: `node test/support/run.mjs file.ts ...`. */
import { resolve } from 'node:path';
import { runnerImport } from 'vite';

const [file, ...rest] = process.argv.slice(2);
if (file === undefined) throw new Error('Name the file to run.');
const { module } = await runnerImport(resolve(file), {
  configFile: false,
  logLevel: 'warn',
  oxc: { target: 'es2022' },
});
process.exitCode = await module.main(rest);
