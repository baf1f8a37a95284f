import { defineConfig } from 'vitest/config';

/** Tests in a real browser, on the windows built with the fake phone. */
export default defineConfig({
  test: {
    environment: 'node',
    include: process.env['PICTURES_TO'] ? ['browser/pictures.ts'] : ['browser/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    // One browser at a time: two would only take the processor from each other.
    fileParallelism: false,
  },
});
