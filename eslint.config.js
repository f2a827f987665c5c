/** Lint: types taken seriously, imports in one direction, no cycles, no tests that do not run. */
import js from '@eslint/js';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

const sources = 'src';

/** The folders of `src`, each with what it may import beside itself. A folder that is not listed here does not lint. */
const mayImport = {
  device: [],
  data: ['device/errors.ts', 'labs/parameters.ts'],
  kernels: ['device'],
  algorithms: ['device', 'kernels', 'data/weights.ts'],
  labs: ['device', 'kernels', 'algorithms', 'data'],
  engine: ['device', 'kernels', 'algorithms', 'data', 'labs'],
  share: [],
  figures: ['share'],
  elements: ['share', 'figures'],
};

/** All that the page may know of the other side: the client, and types and rules that are plain data. */
const pageSide = [
  'engine/client.ts',
  'engine/protocol.ts',
  'labs/parameters.ts',
  'labs/frames.ts',
  'labs/validate.ts',
  'device/errors.ts',
];
const pageFolders = ['share', 'figures', 'elements'];

const zones = [
  ...Object.entries(mayImport).map(([folder, others]) => ({
    target: `./${sources}/${folder}`,
    from: `./${sources}`,
    except: [folder, ...others, ...(pageFolders.includes(folder) ? pageSide : [])].map((path) => `./${path}`),
    message: `src/${folder} may not import this: imports go one way only (device, kernels, algorithms, labs, engine; share, figures, elements, app).`,
  })),
  ...['app.ts', 'embed.ts'].map((entry) => ({
    target: `./${sources}/${entry}`,
    from: `./${sources}`,
    except: [...pageFolders, ...pageSide].map((path) => `./${path}`),
    message: 'The page reaches the engine through its client only.',
  })),
  {
    target: `./${sources}/index.ts`,
    from: `./${sources}`,
    except: ['device', 'kernels', 'algorithms'].map((path) => `./${path}`),
    message: 'The library is devices, kernels and algorithms.',
  },
  { target: `./${sources}`, from: './test', message: 'Sources do not know their tests.' },
];

const pageGlobals = ['window', 'document', 'localStorage', 'HTMLElement', 'customElements', 'requestAnimationFrame'];
const nodeGlobals = ['process', 'Buffer', '__dirname', 'global', 'setImmediate'];

export default tseslint.config(
  { ignores: ['dist/', 'test/bench/node_modules/', 'test/golden/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: {
      'import-x/extensions': ['.ts'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.js'] })],
    },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones }],
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-self-import': 'error',
      'import-x/no-duplicates': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidOperator: true },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreUsingDeclarations: true },
      ],
      // `declare` fields are how Lit's static properties get their types;
      '@typescript-eslint/no-empty-object-type': ['error', { allowInterfaces: 'with-single-extends' }],
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      'no-restricted-syntax': [
        'error',
        { selector: 'TSEnumDeclaration', message: 'Use a union of strings or an `as const` object.' },
      ],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      '@typescript-eslint/no-invalid-void-type': ['error', { allowAsThisParameter: true }],
      'no-console': 'error',
    },
  },
  {
    files: ['src/{device,kernels,algorithms,labs,data}/**/*.ts'],
    rules: { 'no-restricted-globals': ['error', ...pageGlobals, ...nodeGlobals] },
  },
  {
    files: ['src/{engine,share,figures,elements}/**/*.ts', 'src/*.ts'],
    rules: { 'no-restricted-globals': ['error', ...nodeGlobals] },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // Fakes and labs are objects whose methods are handed around.
      '@typescript-eslint/unbound-method': 'off',
      'no-restricted-properties': [
        'error',
        ...['it', 'test', 'describe'].flatMap((object) =>
          ['skip', 'only', 'todo', 'fails', 'skipIf', 'runIf'].map((property) => ({
            object,
            property,
            message: 'A test runs or it is deleted.',
          })),
        ),
      ],
    },
  },
  {
    files: ['test/{support,e2e,reproduce,bench}/**/*.ts', 'test/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
);
