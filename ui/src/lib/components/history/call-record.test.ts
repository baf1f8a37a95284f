import { fireEvent, render, screen } from '@testing-library/svelte';
import { expect, test, vi } from 'vitest';
import { aRow } from '../../../testing/views';
import type { CallDetails } from '../../backend/backend';
import CallRecord from './CallRecord.svelte';

const details: CallDetails = {
  row: aRow(),
  room: 'inbound-1',
  jitter_mean_ms: 2,
  packets_received: 12_480,
  packets_lost: null,
  people: [
    {
      number: '+12125550117',
      number_shown: '(212) 555-0117',
      name: 'Maria Lindqvist',
      contact: null,
      answered: true,
      outcome: 'answered',
      words: 'Answered',
    },
  ],
  events: [{ at_ms: 1_000_000, source: 'livekit webhook', kind: 'room_started', payload: '{"room":"<b>x</b>"}' }],
};

test('everybody in the call, what was measured and what the server said', async () => {
  render(CallRecord, { load: async () => details });
  expect((await screen.findByTestId('detail-people')).textContent).toMatch(/Maria Lindqvist.*\(212\) 555-0117.*Answered/s);
  const record = screen.getByTestId('detail-record');
  expect(record.textContent).toContain('12,480');
  expect(record.textContent).not.toContain('Packets lost');
  expect(screen.getByTestId('detail-events').textContent).toContain('room_started');
  expect(record.querySelector('pre')?.textContent).toBe('{"room":"<b>x</b>"}');
});

test('one that cannot be read says why, and is read again', async () => {
  const load = vi.fn<() => Promise<CallDetails>>();
  load.mockRejectedValueOnce({ code: 'no_such_call', message: 'This call was deleted.' }).mockResolvedValue(details);
  render(CallRecord, { load });
  expect((await screen.findByRole('alert')).textContent).toContain('This call was deleted.');
  await fireEvent.click(screen.getByRole('button'));
  expect(await screen.findByTestId('detail-people')).toBeTruthy();
  expect(screen.queryByRole('alert')).toBeNull();
});
