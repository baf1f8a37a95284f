/** Icons on a 20 x 20 grid, drawn with a 1.6 stroke and round caps. Filled ones mark what starts or ends talking. */

const circle = (x: number, y: number, r: number) =>
  `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;

const HANDSET =
  'M5.2 3.2h2.1c.5 0 .9.3 1 .8l.6 2.6c.1.4 0 .8-.3 1.1L7.2 9.1c.9 1.6 2.1 2.8 3.7 3.7l1.4-1.4c.3-.3.7-.4 1.1-.3l2.6.6c.5.1.8.5.8 1v2.1c0 .9-.7 1.6-1.6 1.6C8.8 16.4 3.6 11.2 3.6 4.8c0-.9.7-1.6 1.6-1.6Z';
const SLASH = 'M3.6 3.6l12.8 12.8';
const RING = circle(10, 10, 7.2);

interface Drawing {
  stroke?: readonly string[];
  fill?: readonly string[];
  transform?: string;
}

export const icons = {
  phone: { stroke: [HANDSET] },
  'phone-filled': { fill: [HANDSET] },
  end: { fill: [HANDSET], transform: 'translate(0 3) rotate(135 10 10)' },
  in: { stroke: ['M14.6 5.4 5.8 14.2', 'M5.8 7.6v6.6h6.6'] },
  out: { stroke: ['M5.4 14.6 14.2 5.8', 'M7.6 5.8h6.6v6.6'] },
  missed: { stroke: ['M17 6.4l-6.8 6.8-6.6-6.6', 'M3.4 11.2V6.4h4.8'] },
  clock: { stroke: [RING, 'M10 5.9V10l2.7 1.8'] },
  sliders: { stroke: ['M2.8 6h7.4', 'M14.2 6h3', 'M2.8 14h3', 'M9.8 14h7.4', circle(12.2, 6, 2), circle(7.8, 14, 2)] },
  mic: {
    stroke: [
      'M10 2.6a2.5 2.5 0 0 1 2.5 2.5v3.8a2.5 2.5 0 0 1-5 0V5.1A2.5 2.5 0 0 1 10 2.6Z',
      'M4.6 9.2a5.4 5.4 0 0 0 10.8 0',
      'M10 14.8v2.6',
    ],
  },
  'mic-off': {
    stroke: [
      'M7.5 7.7v1.2a2.5 2.5 0 0 0 3.7 2.2',
      'M12.5 8.3V5.1a2.5 2.5 0 0 0-4.5-1.5',
      'M4.6 9.2a5.4 5.4 0 0 0 8.2 4.6',
      'M15.4 9.2c0 .9-.2 1.7-.6 2.4',
      'M10 14.8v2.6',
      SLASH,
    ],
  },
  keypad: { fill: [5, 10, 15].flatMap((y) => [5, 10, 15].map((x) => circle(x, y, 1.35))) },
  backspace: {
    stroke: ['M7.4 4.6h8.2A1.6 1.6 0 0 1 17.2 6.2v7.6a1.6 1.6 0 0 1-1.6 1.6H7.4L2.6 10Z', 'M9.6 8l4 4', 'M13.6 8l-4 4'],
  },
  ok: { stroke: [RING, 'M6.8 10.2l2.3 2.3 4.2-4.8'] },
  bad: { stroke: [RING, 'M7.5 7.5l5 5', 'M12.5 7.5l-5 5'] },
  x: { stroke: ['M5.6 5.6l8.8 8.8', 'M14.4 5.6l-8.8 8.8'] },
  bell: { stroke: ['M5.2 13.4V9.1a4.8 4.8 0 0 1 9.6 0v4.3l1.4 1.7H3.8Z', 'M8.4 17.2a1.8 1.8 0 0 0 3.2 0'] },
  'bell-off': {
    stroke: ['M5.2 8.4v5l-1.4 1.7h10', 'M14.8 11.8V9.1A4.8 4.8 0 0 0 7.2 5.2', 'M8.4 17.2a1.8 1.8 0 0 0 3.2 0', SLASH],
  },
  lock: {
    stroke: [
      'M6 9h8a1.5 1.5 0 0 1 1.5 1.5v5A1.5 1.5 0 0 1 14 17H6a1.5 1.5 0 0 1-1.5-1.5v-5A1.5 1.5 0 0 1 6 9Z',
      'M7 9V6.4a3 3 0 0 1 6 0V9',
    ],
  },
  globe: {
    stroke: [
      RING,
      'M2.8 10h14.4',
      'M10 2.8c2.4 2.1 3.5 4.5 3.5 7.2s-1.1 5.1-3.5 7.2c-2.4-2.1-3.5-4.5-3.5-7.2s1.1-5.1 3.5-7.2Z',
    ],
  },
  key: { stroke: [circle(6.8, 13.2, 3.2), 'M9.1 10.9l7.3-7.3', 'M13.4 6.6l2.4 2.4'] },
  warn: {
    stroke: [
      'M9.3 3.7 2.8 15.7a.8.8 0 0 0 .7 1.2h13a.8.8 0 0 0 .7-1.2L10.7 3.7a.8.8 0 0 0-1.4 0Z',
      'M10 8v4',
      'M10 14.3v.1',
    ],
  },
  info: { stroke: [RING, 'M10 9.3v4.2', 'M10 6.5v.1'] },
  'cloud-off': {
    stroke: ['M5.6 8.5a3.5 3.5 0 0 0 .4 7h8', 'M8.3 5.8a4.7 4.7 0 0 1 6.6 3.6 3.1 3.1 0 0 1 2.3 4.7', SLASH],
  },
  refresh: {
    stroke: ['M16 8.6A6.3 6.3 0 0 0 4.7 7', 'M4 11.4A6.3 6.3 0 0 0 15.3 13', 'M4.5 3.6V7h3.4', 'M15.5 16.4V13h-3.4'],
  },
  person: { stroke: [circle(10, 7, 3.2), 'M3.8 16.9c.7-3.3 3.1-5.1 6.2-5.1s5.5 1.8 6.2 5.1'] },
  'chevron-right': { stroke: ['M8 5.6l4.4 4.4L8 14.4'] },
  speaker: {
    stroke: ['M3.5 8v4h2.7l3.9 3.2V4.8L6.2 8Z', 'M12.9 7.6a3.4 3.4 0 0 1 0 4.8', 'M15.1 5.3a6.6 6.6 0 0 1 0 9.4'],
  },
  pause: { stroke: ['M7.2 5.2v9.6', 'M12.8 5.2v9.6'] },
  play: { fill: ['M6.6 4.6v10.8c0 .7.7 1.1 1.3.7l8.4-5.4c.5-.3.5-1.1 0-1.4L7.9 3.9c-.6-.4-1.3 0-1.3.7Z'] },
  transfer: { stroke: ['M3 10h10.4', 'M9.4 6l4 4-4 4', 'M17 4.6v10.8'] },
  add: {
    stroke: [circle(8, 6.8, 3), 'M2.4 16.7c.5-3.2 2.7-4.9 5.6-4.9 1 0 1.9.2 2.7.6', 'M15 11.2v5.6', 'M12.2 14h5.6'],
  },
  people: {
    stroke: [
      circle(7.5, 7.2, 2.8),
      'M2.4 16.4c.5-3 2.5-4.6 5.1-4.6s4.6 1.6 5.1 4.6',
      'M12.6 4.6a2.8 2.8 0 0 1 0 5.2',
      'M14.6 12.4c1.6.6 2.7 2 3 4',
    ],
  },
  taken: {
    stroke: [circle(8, 6.8, 3), 'M2.4 16.7c.5-3.2 2.7-4.9 5.6-4.9 1.4 0 2.6.4 3.5 1.1', 'M12.4 15l1.8 1.8 3.2-3.6'],
  },
  swap: { stroke: ['M4 6.5h11.4', 'M12.6 3.6l2.9 2.9-2.9 2.9', 'M16 13.5H4.6', 'M7.4 10.6l-2.9 2.9 2.9 2.9'] },
  merge: {
    stroke: ['M4.6 3.6c0 4.4 5.4 3.4 5.4 8.4v4', 'M15.4 3.6c0 4.4-5.4 3.4-5.4 8.4', 'M7.2 13.8l2.8 2.8 2.8-2.8'],
  },
  leave: { stroke: ['M11.6 3.6H5.4v12.8h6.2', 'M9 10h8', 'M14 7l3 3-3 3'] },
  back: { stroke: ['M7 4.6 3.6 8 7 11.4', 'M3.6 8H12a4.2 4.2 0 0 1 0 8.4H8.6'] },
  search: { stroke: [circle(9, 9, 5.4), 'M13.2 13.2l3.7 3.7'] },
  'chevron-down': { stroke: ['M5.6 8l4.4 4.4L14.4 8'] },
  check: { stroke: ['M4.6 10.5l3.7 3.7 7.2-8.2'] },
  moon: { stroke: ['M16.4 11.8A6.7 6.7 0 1 1 8.2 3.6a5.3 5.3 0 0 0 8.2 8.2Z'] },
  lines: { stroke: [circle(5, 15, 2), circle(15, 5, 2), 'M7 15h5a2.5 2.5 0 0 0 0-5H8a2.5 2.5 0 0 1 0-5h5'] },
} as const satisfies Record<string, Drawing>;

export type IconName = keyof typeof icons;

/** The drawing of `name` with every part optional, for the component that draws it. */
export function drawing(name: IconName): Drawing {
  return icons[name];
}
