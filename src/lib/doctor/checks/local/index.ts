import type {Check} from '../../types.js'
import {connectionChecks} from './connections.js'
import {fileChecks} from './files.js'
import {installationChecks} from './installation.js'
import {machineChecks} from './machine.js'
import {programChecks} from './programs.js'
import {secretChecks} from './secrets.js'
import {settingsChecks} from './settings.js'

/**
 * Those that need no network, in the order in which they are shown within an area. The files come before what reads them: a
 * failure that two checks meet is reported by the first.
 */
export const localChecks: readonly Check[] = [
  ...machineChecks,
  ...installationChecks,
  ...fileChecks,
  ...settingsChecks,
  ...secretChecks,
  ...programChecks,
  ...connectionChecks,
]
