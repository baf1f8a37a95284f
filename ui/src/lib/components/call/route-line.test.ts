import { fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakePhone } from '../../backend/fake';
import { Outgoing } from '../../phone/outgoing.svelte';
import RouteLine from './RouteLine.svelte';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

async function routed(number: string) {
  const outgoing = new Outgoing(new FakePhone('', 0));
  outgoing.follow(number);
  await vi.runAllTimersAsync();
  return outgoing;
}

test('the line is shown with the reason', async () => {
  const { view } = await routed('+44 20 7946 0018');
  if (!view) throw new Error('no route');
  render(RouteLine, { route: view, onchoose: vi.fn() });
  expect(screen.getByTestId<HTMLSelectElement>('dial-line').value).toBe('projects-line');
  expect(screen.getByTestId('dial-caller-id').textContent).toBe('(312) 555-0117');
  const why = screen.getByTestId('dial-why').textContent ?? '';
  expect(why).toContain('Numbers that begin with +44 use it.');
  expect(why).toContain('If its provider refuses, the call goes over Main line.');
});

test('another line and another number can be chosen, and the rules again', async () => {
  const outgoing = await routed('+44 20 7946 0018');
  expect(outgoing.wish).toBeNull();
  await outgoing.choose({ line: 'main-line' });
  expect(outgoing.view).toMatchObject({ line: 'main-line', why: 'asked' });
  await outgoing.choose({ line: 'main-line', caller_id: '+12125550103' });
  expect(outgoing.view?.caller_id?.shown).toBe('(212) 555-0103');
  // typing on keeps the choice
  outgoing.follow('+49');
  await vi.runAllTimersAsync();
  expect(outgoing.view?.why).toBe('asked');
  const onchoose = vi.fn();
  if (outgoing.view) render(RouteLine, { route: outgoing.view, onchoose });
  await fireEvent.click(screen.getByTestId('dial-by-rule'));
  expect(onchoose).toHaveBeenCalledWith(null);
  await outgoing.choose(null);
  expect(outgoing.view?.why).toBe('default');
});

test('an answer that comes late is not shown for a newer number', async () => {
  const backend = new FakePhone('', 0);
  const answers: (() => void)[] = [];
  const real = backend.routeShow.bind(backend);
  vi.spyOn(backend, 'routeShow').mockImplementation(
    (asked) => new Promise((resolve) => answers.push(() => void real(asked).then(resolve))),
  );
  const outgoing = new Outgoing(backend);
  outgoing.follow('+44');
  await vi.runAllTimersAsync();
  outgoing.follow('+49');
  await vi.runAllTimersAsync();
  answers[1]?.();
  await vi.runAllTimersAsync();
  answers[0]?.();
  await vi.runAllTimersAsync();
  expect(outgoing.view?.why).toBe('default');
});

test('a core that cannot say leaves the last answer', async () => {
  const backend = new FakePhone('', 0);
  const outgoing = new Outgoing(backend);
  outgoing.follow('+44');
  await vi.runAllTimersAsync();
  vi.spyOn(backend, 'routeShow').mockRejectedValue({ code: 'shell', message: 'Deskline is closing.' });
  outgoing.follow('+49');
  await vi.runAllTimersAsync();
  expect(outgoing.view?.why).toBe('prefix');
});
