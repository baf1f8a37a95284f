import { svelte } from '@sveltejs/vite-plugin-svelte';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defineConfig } from 'vitest/config';

export default defineConfig(({ mode }) => ({
  // The second one acts in tests only: the browser build of Svelte, and a clean page after each.
  plugins: [svelte(), svelteTesting()],
  // Paths in dist must be relative: the shell serves them from its own scheme.
  base: './',
  clearScreen: false,
  server: { port: 1420, strictPort: true },
  define: {
    // `vite build --mode fake` makes a bundle that never looks for the shell.
    __FAKE_ONLY__: JSON.stringify(mode === 'fake'),
  },
  build: {
    // The oldest web view we run in: WebKitGTK 2.44, which is Safari 17.4 in features.
    target: 'safari17',
    sourcemap: false,
    chunkSizeWarningLimit: 300,
    rolldownOptions: {
      output: {
        // The first picture asks the shell for each file: what several parts share is one file, but for menus, which only
        // parts have that are read after it.
        codeSplitting: {
          groups: [
            { name: 'svelte', test: /node_modules\/(svelte|clsx|esm-env)\//, priority: 3 },
            { name: 'menus', test: /node_modules\/(bits-ui|@floating-ui|@internationalized)\//, priority: 2 },
            { name: 'shared', test: /^(?!.*(MenuButton|HearAgain))/, minShareCount: 2, priority: 1, includeDependenciesRecursively: false },
          ],
        },
      },
    },
  },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.ts'],
    setupFiles: ['src/testing/layout.ts', 'src/testing/language.ts'],
    restoreMocks: true,
    // A loaded machine is slow, not wrong.
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
}));
