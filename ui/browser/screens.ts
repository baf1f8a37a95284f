/** Every screen there is a picture of. Names are those of the design where it has the screen. */
import type { Page } from 'playwright-core';

export interface Screen {
  name: string;
  /** The design's picture that shows it, where that has another name. */
  design?: string;
  /** A scene of the fake phone. */
  scene?: string;
  hash?: string;
  width?: number;
  height?: number;
  zoom?: number;
  /** What is done before the picture. */
  act?: (page: Page) => Promise<unknown>;
}

const press = (keys: string) => (page: Page) => page.keyboard.press(keys);
const click = (id: string) => (page: Page) => page.getByTestId(id).first().click();
const type = (text: string) => async (page: Page) => {
  await page.getByTestId('dial-input').click();
  await page.keyboard.type(text);
};
/** The call that rings goes on without this desk. */
const ends = (how: 'answered_elsewhere' | 'missed') => async (page: Page) => {
  await page.getByTestId('overlay-answer').waitFor();
  await page.evaluate((reason) => {
    const { fakePhone } = window as unknown as { fakePhone: import('../src/lib/backend/fake').FakePhone };
    const call = fakePhone.calls[0];
    if (call) fakePhone.endCall(call.id, reason);
  }, how);
};
const lines = async (page: Page) => {
  await page.keyboard.press('Control+4');
  await page.getByTestId('lines-add').waitFor();
};
const ENV = `LIVEKIT_URL=wss://front-desk.example
TWILIO_ACCOUNT_SID=AC0000000000000000000000000000c1
TWILIO_AUTH_TOKEN=x
TWILIO_PHONE_NUMBER=+16465550120
LIVEKIT_SIP_URI=abc123.sip.livekit.cloud
SUPABASE_SERVICE_ROLE_KEY=x
`;
const env = async (page: Page) => {
  await lines(page);
  await click('lines-add')(page);
  await click('provider-env')(page);
  await page.getByTestId('env-text').waitFor();
};
/** Adding a line, up to the plan. */
const plan = async (page: Page) => {
  await lines(page);
  await click('lines-add')(page);
  await click('provider-continue')(page);
  await page.getByTestId('line-name').fill('Front desk');
  await page.getByTestId('line-numbers').fill('(646) 555-0120');
  await page.getByTestId('line-secret').fill('a token');
  await click('line-look')(page);
  await page.getByTestId('plan-yes').waitFor();
};
const OVERLAY = { hash: 'overlay', width: 380, height: 200 };

export const SCREENS: readonly Screen[] = [
  { name: 'phone' },
  {
    name: 'phone-typing',
    act: async (page) => {
      await type('312555')(page);
      await page.keyboard.press('ArrowDown');
    },
  },
  { name: 'phone-200', zoom: 2 },
  { name: 'phone-480', width: 480, height: 320 },
  { name: 'noline', scene: 'no-trunk' },
  { name: 'lines', act: lines },
  {
    name: 'lines-provider',
    act: async (page) => {
      await lines(page);
      await click('lines-add')(page);
    },
  },
  {
    name: 'lines-form',
    act: async (page) => {
      await lines(page);
      await click('lines-add')(page);
      await click('provider-continue')(page);
    },
  },
  { name: 'lines-env', act: env },
  {
    name: 'lines-env-read',
    act: async (page) => {
      await env(page);
      await page.getByTestId('env-text').fill(ENV);
      await click('env-read')(page);
      await page.getByTestId('env-use').waitFor();
    },
  },
  {
    name: 'lines-env-refused',
    act: async (page) => {
      await env(page);
      await page.getByTestId('env-text').fill('# Notes\nCall the desk.');
      await click('env-read')(page);
      await page.getByTestId('env-refusal').waitFor();
    },
  },
  { name: 'lines-none', scene: 'no-lines', act: (page) => page.keyboard.press('Control+4').then(() => page.getByTestId('lines-add').waitFor()) },
  { name: 'lines-steps', act: plan },
  { name: 'lines-steps-480', width: 480, height: 320, act: plan },
  {
    name: 'lines-test',
    act: async (page) => {
      await plan(page);
      await click('plan-yes')(page);
      await page.getByTestId('proof').waitFor();
    },
  },
  {
    name: 'lines-check',
    act: async (page) => {
      await lines(page);
      await page.getByTestId('line-check').nth(1).click();
      await page.getByTestId('finding').waitFor();
    },
  },
  {
    name: 'lines-numbers',
    act: async (page) => {
      await lines(page);
      await click('lines-add')(page);
      await click('provider-continue')(page);
      await page.getByTestId('line-secret').fill('a token');
      await click('numbers-look')(page);
      await page.getByTestId('number-+16465550120').check();
    },
  },
  {
    name: 'lines-sheet',
    act: async (page) => {
      await lines(page);
      await click('line-menu')(page);
      await page.getByRole('menuitem', { name: 'Line sheet' }).click();
      await page.getByTestId('line-sheet').waitFor();
    },
  },
  {
    name: 'lines-costs',
    act: async (page) => {
      await lines(page);
      await click('lines-costs')(page);
      await page.getByTestId('costs-line').first().waitFor();
    },
  },
  {
    name: 'lines-rates',
    act: async (page) => {
      await lines(page);
      await click('lines-costs')(page);
      await click('costs-edit')(page);
      await page.getByTestId('rate-in').waitFor();
    },
  },
  {
    name: 'lines-project',
    act: async (page) => {
      await lines(page);
      await click('lines-project')(page);
      await page.getByTestId('project-object').first().waitFor();
    },
  },
  { name: 'offline', scene: 'offline', act: type('6465550171') },
  { name: 'refused', design: 'states', scene: 'refused' },
  { name: 'call', scene: 'live' },
  { name: 'call-200', scene: 'live', zoom: 2 },
  { name: 'call-480', scene: 'live', width: 480, height: 320 },
  { name: 'call-busy', scene: 'live-held-ringing' },
  { name: 'call-held', scene: 'held' },
  { name: 'call-reconnecting', scene: 'reconnecting' },
  { name: 'call-transfer', scene: 'live', act: click('call-transfer') },
  { name: 'call-keypad', scene: 'live', act: click('call-keypad') },
  { name: 'call-conference', scene: 'conference' },
  { name: 'call-consult', scene: 'consult' },
  { name: 'call-stranded', scene: 'stranded' },
  { name: 'call-ended', design: 'states', scene: 'busy' },
  { name: 'overlay', scene: 'ringing', ...OVERLAY },
  { name: 'overlay-second', design: 'overlay-kinds', scene: 'live-ringing', ...OVERLAY },
  { name: 'overlay-long', design: 'overlay-kinds', scene: 'ringing-long', ...OVERLAY },
  { name: 'overlay-private', design: 'overlay-kinds', scene: 'ringing-private', ...OVERLAY },
  { name: 'overlay-two', design: 'overlay-kinds', scene: 'ringing-two', ...OVERLAY },
  { name: 'overlay-taken', design: 'overlay-kinds', scene: 'ringing', ...OVERLAY, act: ends('answered_elsewhere') },
  { name: 'overlay-missed', design: 'overlay-kinds', scene: 'ringing', ...OVERLAY, act: ends('missed') },
  { name: 'history', hash: 'history', width: 1160, height: 740 },
  { name: 'history-200', hash: 'history', zoom: 2 },
  {
    name: 'history-search',
    scene: 'live',
    hash: 'history',
    act: async (page) => {
      await page.getByTestId('history-search').fill('quote');
      await page.locator('mark').first().waitFor();
    },
  },
  { name: 'history-detail-480', hash: 'history', width: 480, height: 320, act: (page) => page.getByTestId('history-row').first().click() },
  { name: 'contacts', hash: 'contacts/2' },
  { name: 'contacts-200', hash: 'contacts', zoom: 2 },
  { name: 'contacts-edit', hash: 'contacts/2', act: click('contact-edit') },
  {
    name: 'contacts-import',
    hash: 'contacts',
    act: async (page) => {
      const cards = 'BEGIN:VCARD\nFN:Dana Okafor\nTEL:(917) 555-0129\nEND:VCARD\nBEGIN:VCARD\nFN:No Number\nEND:VCARD\n';
      const file = { name: 'team.vcf', mimeType: 'text/vcard', buffer: Buffer.from(cards) };
      await page.getByTestId('import-file').setInputFiles(file);
      await page.getByTestId('import-report').waitFor();
    },
  },
  { name: 'first-run', scene: 'first-run' },
  { name: 'first-run-200', scene: 'first-run', zoom: 2 },
  { name: 'first-run-sound', scene: 'first-run-sound' },
  { name: 'first-run-region', scene: 'first-run-region' },
  { name: 'first-run-test', scene: 'first-run-test', act: (page) => page.getByTestId('proofs').waitFor() },
  { name: 'settings-audio', hash: 'settings/audio', act: (page) => page.getByTestId('level').waitFor() },
  { name: 'settings-audio-480', hash: 'settings/audio', width: 480, height: 320 },
  { name: 'settings-ringing', hash: 'settings/ringing' },
  { name: 'settings-shortcuts', scene: 'shortcut-taken', hash: 'settings/shortcuts', act: click('global-mute') },
  { name: 'settings-connection', hash: 'settings/connection' },
  { name: 'settings-recording', hash: 'settings/recording' },
  { name: 'settings-privacy', hash: 'settings/privacy' },
  { name: 'settings-general', hash: 'settings/general' },
  { name: 'settings-general-200', hash: 'settings/general', zoom: 2 },
  { name: 'settings-hooks', scene: 'hooks', hash: 'settings/ringing', act: (page) => page.getByTestId('hook').scrollIntoViewIfNeeded() },
  { name: 'compact', scene: 'compact', width: 340, height: 560 },
  { name: 'compact-call', scene: 'compact-live', width: 340, height: 560 },
  { name: 'call-quality', scene: 'recorded', act: click('call-sound') },
  { name: 'link', scene: 'link' },
  { name: 'quit', scene: 'quit' },
  { name: 'no-devices', design: 'states', scene: 'no-devices' },
  { name: 'availability', act: click('availability') },
  {
    name: 'palette',
    act: async (page) => {
      await press('Control+k')(page);
      await page.getByTestId('palette-input').fill('mar');
    },
  },
  { name: 'empty-history', design: 'states', scene: 'empty', hash: 'history' },
  { name: 'empty-contacts', design: 'states', scene: 'empty', hash: 'contacts' },
  { name: 'history-refused', design: 'states', scene: 'history-refused', hash: 'history' },
];
