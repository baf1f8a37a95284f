/**
 * The icons by what they stand for. The drawings are Lucide's (ADR 0020); one import each, so that only these are in the
 * bundle. Filled ones mark what starts or ends talking.
 */
import type { Component } from 'svelte';
import type { IconProps } from '@lucide/svelte';
import ArrowDownLeft from '@lucide/svelte/icons/arrow-down-left';
import ArrowLeftRight from '@lucide/svelte/icons/arrow-left-right';
import ArrowRightToLine from '@lucide/svelte/icons/arrow-right-to-line';
import ArrowUpRight from '@lucide/svelte/icons/arrow-up-right';
import Bell from '@lucide/svelte/icons/bell';
import BellOff from '@lucide/svelte/icons/bell-off';
import Check from '@lucide/svelte/icons/check';
import ChevronDown from '@lucide/svelte/icons/chevron-down';
import ChevronLeft from '@lucide/svelte/icons/chevron-left';
import ChevronRight from '@lucide/svelte/icons/chevron-right';
import CircleDot from '@lucide/svelte/icons/circle-dot';
import CircleStop from '@lucide/svelte/icons/circle-stop';
import CircleCheck from '@lucide/svelte/icons/circle-check';
import CircleX from '@lucide/svelte/icons/circle-x';
import Clock from '@lucide/svelte/icons/clock';
import Cloud from '@lucide/svelte/icons/cloud';
import CloudOff from '@lucide/svelte/icons/cloud-off';
import Coins from '@lucide/svelte/icons/coins';
import Copy from '@lucide/svelte/icons/copy';
import Delete from '@lucide/svelte/icons/delete';
import DoorOpen from '@lucide/svelte/icons/door-open';
import Download from '@lucide/svelte/icons/download';
import Ellipsis from '@lucide/svelte/icons/ellipsis';
import ExternalLink from '@lucide/svelte/icons/external-link';
import Eye from '@lucide/svelte/icons/eye';
import GitFork from '@lucide/svelte/icons/git-fork';
import Globe from '@lucide/svelte/icons/globe';
import Grip from '@lucide/svelte/icons/grip';
import HatGlasses from '@lucide/svelte/icons/hat-glasses';
import Headset from '@lucide/svelte/icons/headset';
import Info from '@lucide/svelte/icons/info';
import KeyRound from '@lucide/svelte/icons/key-round';
import Lock from '@lucide/svelte/icons/lock';
import LogOut from '@lucide/svelte/icons/log-out';
import Merge from '@lucide/svelte/icons/merge';
import Mic from '@lucide/svelte/icons/mic';
import MicOff from '@lucide/svelte/icons/mic-off';
import Minus from '@lucide/svelte/icons/minus';
import Monitor from '@lucide/svelte/icons/monitor';
import Moon from '@lucide/svelte/icons/moon';
import Pause from '@lucide/svelte/icons/pause';
import Pencil from '@lucide/svelte/icons/pencil';
import Phone from '@lucide/svelte/icons/phone';
import PhoneMissed from '@lucide/svelte/icons/phone-missed';
import Play from '@lucide/svelte/icons/play';
import Plug from '@lucide/svelte/icons/plug';
import Plus from '@lucide/svelte/icons/plus';
import RadioTower from '@lucide/svelte/icons/radio-tower';
import RefreshCw from '@lucide/svelte/icons/refresh-cw';
import RotateCcw from '@lucide/svelte/icons/rotate-ccw';
import Route from '@lucide/svelte/icons/route';
import Search from '@lucide/svelte/icons/search';
import Shield from '@lucide/svelte/icons/shield';
import SlidersHorizontal from '@lucide/svelte/icons/sliders-horizontal';
import Trash2 from '@lucide/svelte/icons/trash-2';
import TriangleAlert from '@lucide/svelte/icons/triangle-alert';
import Undo2 from '@lucide/svelte/icons/undo-2';
import Upload from '@lucide/svelte/icons/upload';
import User from '@lucide/svelte/icons/user';
import UserCheck from '@lucide/svelte/icons/user-check';
import UserPlus from '@lucide/svelte/icons/user-plus';
import Users from '@lucide/svelte/icons/users';
import Volume2 from '@lucide/svelte/icons/volume-2';
import X from '@lucide/svelte/icons/x';

export const icons = {
  phone: Phone,
  'phone-filled': Phone,
  end: Phone,
  in: ArrowDownLeft,
  out: ArrowUpRight,
  missed: PhoneMissed,
  clock: Clock,
  sliders: SlidersHorizontal,
  mic: Mic,
  'mic-off': MicOff,
  keypad: Grip,
  backspace: Delete,
  ok: CircleCheck,
  bad: CircleX,
  x: X,
  bell: Bell,
  'bell-off': BellOff,
  lock: Lock,
  globe: Globe,
  key: KeyRound,
  warn: TriangleAlert,
  info: Info,
  cloud: Cloud,
  'cloud-off': CloudOff,
  refresh: RefreshCw,
  person: User,
  private: HatGlasses,
  'chevron-right': ChevronRight,
  'chevron-left': ChevronLeft,
  'chevron-down': ChevronDown,
  speaker: Volume2,
  pause: Pause,
  rec: CircleDot,
  stop: CircleStop,
  replay: RotateCcw,
  play: Play,
  transfer: ArrowRightToLine,
  add: UserPlus,
  people: Users,
  taken: UserCheck,
  swap: ArrowLeftRight,
  merge: Merge,
  leave: LogOut,
  back: Undo2,
  search: Search,
  check: Check,
  moon: Moon,
  lines: Route,
  note: Pencil,
  trash: Trash2,
  download: Download,
  upload: Upload,
  plus: Plus,
  dots: Ellipsis,
  copy: Copy,
  shield: Shield,
  headset: Headset,
  desk: Monitor,
  tower: RadioTower,
  plug: Plug,
  fork: GitFork,
  room: DoorOpen,
  minus: Minus,
  eye: Eye,
  open: ExternalLink,
  money: Coins,
} as const satisfies Record<string, Component<IconProps>>;

export type IconName = keyof typeof icons;

/** How a drawing is changed where what it stands for needs it. */
export const SHAPE: Partial<Record<IconName, string>> = {
  'phone-filled': 'i--fill i--solid',
  // The handset laid down.
  end: 'i--fill i--solid i--down',
  pause: 'i--fill i--slim',
  play: 'i--fill i--slim',
  keypad: 'i--fill',
};
