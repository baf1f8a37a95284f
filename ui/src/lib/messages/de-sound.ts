import type { enSound } from './en-sound';

/** The same in German. */
export const deSound: Readonly<Record<keyof typeof enSound, string>> = {
  'quality.button': 'Ton dieses Anrufs',
  'call.record': 'Aufnehmen',
  'call.recording': 'Aufnahme',
  'recording.recording': 'Aufnahme läuft',
  'recording.paused': 'Aufnahme pausiert',
  'recording.waiting': 'Aufnahme wartet, solange gehalten wird',
  'recording.pause': 'Aufnahme anhalten',
  'recording.goOn': 'Aufnahme fortsetzen',
  'recording.kept': 'Aufnahme gespeichert: {path}',
  'recording.allow': 'Aufnehmen erlauben',
  'recording.allowText':
    'Aus, bis Sie es einschalten. Anrufe gehen ohne genauso; aufgenommen wird, sobald Sie Aufnehmen drücken.',
  'recording.beep': 'Anrufer hören es',
  'recording.beepText':
    'Ein kurzer Ton zu Beginn der Aufnahme und alle 15 s. Vielerorts müssen alle zustimmen: Fragen Sie Ihren Rechtsbeistand.',
  'recording.folder': 'Ordner für Aufnahmen',
  'detail.recording': 'Aufnahme',
  'replay.last': 'Letzte {seconds} s',
  'replay.label': 'Letzte {seconds} s, noch einmal hören',
  'replay.more': 'Mehr noch einmal hören',
  'replay.stop': 'Nicht weiter anhören',
  'replay.setting': 'Die letzte Minute noch einmal hören',
  'replay.settingText':
    'Was in der letzten Minute gesagt wurde, bleibt im Arbeitsspeicher dieses Computers, kommt nie auf seine Festplatte und ist eine Minute nach dem Anruf weg.',
  'settings.recording': 'Aufnahme',
  'ringing.own': 'Eigener Klingelton',
  'ringing.ownText': 'Eine WAV-, FLAC-, MP3- oder OGG-Datei; die erste halbe Minute klingelt.',
  'ringing.ownChoose': 'Datei wählen',
  'ringing.ownReading': 'Datei wird gelesen',
  'ringing.ownRemove': '{name} entfernen',
  'ringing.ownTooLarge': 'Diese Datei ist größer als 16 MB. Wählen Sie eine kürzere: Eine halbe Minute genügt.',
};
