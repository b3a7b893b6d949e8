import {
  Activity,
  BadgeCheck,
  Bug,
  CircleHelp,
  Landmark,
  LogOut,
  Mail,
  Monitor,
  Moon,
  Newspaper,
  Search,
  Server,
  Sun,
} from 'lucide-preact'

/** Icons of the shell and of the pages in its rail. */
export const icons = {
  mail: Mail,
  news: Newspaper,
  virtualServers: Server,
  certificates: BadgeCheck,
  authorities: Landmark,
  sessions: Activity,
  faults: Bug,
  search: Search,
  help: CircleHelp,
  light: Sun,
  dark: Moon,
  system: Monitor,
  logOff: LogOut,
}
