import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

/** Who may import whom. `tsc -b` does not enforce it across npm workspaces, so lint does. */
const MAY_IMPORT = {
  protocol: [],
  auth: ['protocol'],
  search: ['protocol'],
  server: ['protocol', 'auth', 'search'],
  'store-sqlite': ['protocol', 'auth', 'search', 'server'],
  client: ['protocol', 'auth'],
  'sink-duckdb': ['protocol', 'client'],
  synth: ['protocol'],
  conformance: ['protocol', 'auth'],
  testkit: ['protocol', 'auth', 'search', 'server', 'client'],
  cli: [
    'protocol',
    'auth',
    'search',
    'server',
    'store-sqlite',
    'client',
    'sink-duckdb',
    'synth',
    'conformance',
  ],
}

const everyPackage = Object.keys(MAY_IMPORT)

function importDirection(name) {
  const forbidden = everyPackage.filter(
    (other) => other !== name && !MAY_IMPORT[name].includes(other),
  )
  const patterns = forbidden
    .filter((other) => other !== 'cli')
    .map((other) => ({
      group: [`@flatfhir/${other}`, `@flatfhir/${other}/*`, `**/packages/${other}/**`],
      message: `Package ${name} may import only: ${MAY_IMPORT[name].join(', ') || 'nothing'}.`,
    }))
  return {
    files: [`packages/${name}/src/**/*.ts`, `${name}/src/**/*.ts`],
    rules: { 'no-restricted-imports': ['error', { patterns }] },
  }
}

/** Only the command reads the environment or ends the process. */
const noAmbientState = {
  files: ['packages/*/src/**/*.ts', 'conformance/src/**/*.ts'],
  ignores: ['packages/cli/src/**'],
  rules: {
    'no-restricted-properties': [
      'error',
      { object: 'process', property: 'env', message: 'Only cli reads environment variables.' },
      { object: 'process', property: 'exit', message: 'Only cli ends the process.' },
    ],
    'no-console': 'error',
  },
}

export default defineConfig(
  { ignores: ['**/dist/**', '**/node_modules/**', 'packages/*/src/generated/**'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['vitest.config.ts'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/dot-notation': 'off',
      'max-lines': ['error', { max: 500, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 3],
      eqeqeq: ['error', 'always'],
    },
  },
  {
    files: [
      'packages/*/test/**/*.ts',
      'conformance/test/**/*.ts',
      'packages/testkit/src/**/*.ts',
      'benchmarks/**/*.ts',
    ],
    rules: { 'max-lines-per-function': 'off' },
  },
  noAmbientState,
  ...everyPackage.map(importDirection),
)
