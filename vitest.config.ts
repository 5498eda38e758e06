import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'conformance/test/**/*.test.ts'],
    // Worker threads and child processes come from dist, so tests run against the build.
    pool: 'forks',
    testTimeout: 180_000,
    hookTimeout: 180_000,
    reporters: ['default'],
  },
})
