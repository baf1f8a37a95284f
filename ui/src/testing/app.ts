/** The main window in a test page, as far as somebody finds it who has waited for a moment. */
import { render } from '@testing-library/svelte';
import { tick } from 'svelte';
import { FakePhone } from '../lib/backend/fake';
import App from '../views/App.svelte';
import { prefetch } from '../views/later';

/** Opens it on a scene; its first picture is drawn, and everything that is asked for behind it has been answered. */
export async function openApp(scene: string, hash = ''): Promise<FakePhone> {
  await prefetch();
  const fake = new FakePhone(scene, 0);
  const drawn = new Promise<void>((done) => {
    fake.painted = async () => done();
  });
  location.hash = hash;
  render(App, { backend: fake });
  await drawn;
  // The fake answers at once: with the turn of the loop after this one everybody has heard it.
  await new Promise((done) => setTimeout(done));
  await tick();
  return fake;
}
