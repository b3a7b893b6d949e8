import type { Texts } from '../catalogue.ts'

export default {
  'scripts.list': 'Skripte',
  'scripts.hint': 'Sieve-Skripte bestimmen, wohin Mail für ein Konto kommt. Höchstens eines ist aktiv.',
  'scripts.account': 'Konto',
  'scripts.add': 'Neues Skript',
  'scripts.active': 'aktiv',
  'scripts.none': 'Dieses Konto hat keine Skripte',
  'scripts.noneHint': 'Ein Skript sortiert, leitet weiter, lehnt ab oder beantwortet Mail, wenn sie ankommt.',
  'scripts.noAccounts': 'Das Labor hat keine Konten',
  'scripts.name': 'Name',
  'scripts.content': 'Skript',
  'scripts.runs': 'Aktiv: läuft für ankommende Mail',
  'scripts.save': 'Speichern',
  'scripts.remove': 'Löschen',
  'scripts.activeHint': 'Das Skript ist aktiv. Deaktivieren Sie es zuerst.',
  'scripts.removed': '{name} ist gelöscht',
  'scripts.saved': '{name} ist gespeichert',
  'scripts.valid': 'Das Skript hat keine Fehler.',
  'scripts.configuredHint': 'Dieses Skript steht in der Konfiguration des Labors. Ändern Sie es dort.',
} satisfies Texts<'scripts'>
