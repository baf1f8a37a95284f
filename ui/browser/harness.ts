/** The windows as built with the fake phone, in a real browser: served as the shell serves them, with its content policy. */
import { createServer, type Server } from 'node:http';
import { readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import type { Screen } from './screens';

const ROOT = fileURLToPath(new URL('../dist-fake/', import.meta.url));
const SHELL = fileURLToPath(new URL('../../tauri.conf.json', import.meta.url));
const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
};
/** A loaded machine is slow, not wrong. */
export const SOON = 30_000;

/** What the shell allows its pages. */
async function policy(): Promise<string> {
  const shell = JSON.parse(await readFile(SHELL, 'utf8')) as { app: { security: { csp: string } } };
  return shell.app.security.csp;
}

async function serve(): Promise<{ server: Server; url: string }> {
  if (!existsSync(join(ROOT, 'index.html'))) throw new Error('Build the windows first: npm run build:fake');
  const csp = await policy();
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://page').pathname));
    const file = join(ROOT, path === '/' ? 'index.html' : path);
    readFile(file).then(
      (bytes) => {
        response.writeHead(200, {
          'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
          'Content-Security-Policy': csp,
        });
        response.end(bytes);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { server, url: `http://127.0.0.1:${address.port}/` };
}

/** The time in every picture, so that only a change of the windows changes one. */
const NOW = new Date('2026-11-19T10:50:00-05:00');

export type Theme = 'light' | 'dark';

/** One browser and one server for a file of tests. */
export class Stage {
  readonly #server: Server;
  readonly #browser: Browser;
  readonly #url: string;

  private constructor(server: Server, browser: Browser, url: string) {
    this.#server = server;
    this.#browser = browser;
    this.#url = url;
  }

  static async start(): Promise<Stage> {
    const executablePath = BROWSERS.find((path) => existsSync(path));
    if (!executablePath) throw new Error('Chromium is needed: apt-get install chromium');
    const { server, url } = await serve();
    // The container of a test run has no user to sandbox against, and often little shared memory.
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
    return new Stage(server, browser, url);
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** A window of its own, with everything that went wrong in it. `zoom` is that of the web view. */
  async window(
    { width = 960, height = 640, zoom = 1, theme = 'light', locale = 'en-US' }: Partial<{
      width: number;
      height: number;
      zoom: number;
      theme: Theme;
      locale: string;
    }> = {},
  ): Promise<{ page: Page; faults: string[]; context: BrowserContext }> {
    const context = await this.#browser.newContext({
      viewport: { width: Math.round(width / zoom), height: Math.round(height / zoom) },
      deviceScaleFactor: zoom,
      colorScheme: theme,
      locale,
      timezoneId: 'America/New_York',
      reducedMotion: 'reduce',
    });
    const page = await context.newPage();
    page.setDefaultTimeout(SOON);
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(`console: ${message.text()}`);
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(this.#url) && !request.url().startsWith('data:'))
        faults.push(`a request to ${request.url()}`);
    });
    return { page, faults, context };
  }

  /** The text of a script, for evaluating it in a page. */
  source(path: string): Promise<string> {
    return readFile(path, 'utf8');
  }

  address(scene: string, hash = ''): string {
    return `${this.#url}?fake=${scene}${hash ? `#/${hash}` : ''}`;
  }

  /**
   * Shows one screen of the list and waits until it stands. `frozen`: at the time of all pictures. The clock that keeps it
   * there also hands out the frames, so that whoever counts those goes without.
   */
  async show(page: Page, screen: Screen, frozen = true): Promise<void> {
    if (frozen) await page.clock.install({ time: NOW });
    await page.goto(this.address(screen.scene ?? '', screen.hash ?? ''));
    await page.locator('[data-testid="line-status"], [data-testid="first-run"], [data-testid="compact-open"], [data-testid="overlay"], [data-testid="overlay-empty"]').first().waitFor();
    // The system's own font differs from one computer to the next.
    await page.addStyleTag({ content: ':root { --font: Inter, sans-serif }' });
    await screen.act?.(page);
  }
}
