// Three tiers, separately runnable: unit (pure, no services), integration (real PostgreSQL and
// Temporal, fake gateways over real sockets), e2e (a real OpenClaw gateway, whole processes).
const base = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2024', parser: { syntax: 'typescript' } } }],
  },
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.dash', '<rootDir>/tools'],
};

const withServices = {
  globalSetup: '<rootDir>/tests/support/environment-setup.ts',
  globalTeardown: '<rootDir>/tests/support/environment-teardown.ts',
};

export default {
  // More at a time slow each other down on two cores, and what waits for a heartbeat notices.
  maxWorkers: 2,
  testTimeout: 30_000,
  testSequencer: '<rootDir>/tests/support/longest-first.ts',
  reporters: ['default', '<rootDir>/tests/support/closing-line-reporter.js'],
  projects: [
    {
      ...base,
      globalSetup: '<rootDir>/tests/support/run-directory-setup.ts',
      globalTeardown: '<rootDir>/tests/support/run-directory-teardown.ts',
      displayName: 'unit',
      testMatch: ['<rootDir>/tests/{unit,property}/**/*.test.ts'],
    },
    {
      ...base,
      ...withServices,
      displayName: 'integration',
      testMatch: ['<rootDir>/tests/{integration,contract,replay}/**/*.test.ts'],
    },
    {
      ...base,
      ...withServices,
      displayName: 'e2e',
      testMatch: ['<rootDir>/tests/e2e/**/*.test.ts'],
    },
  ],
};
