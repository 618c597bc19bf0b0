import {Flags} from '@oclif/core'
import {fileFlag} from './flags.js'

/** Of `zt token audit`. */
export const auditFlags = {
  expiring: Flags.string({
    description: 'how long before its end a token counts as expiring',
    helpValue: 'DURATION',
    default: '30d',
  }),
  unused: Flags.string({
    description: 'after how long without use a token or right counts as unused; rights: at most 90d',
    helpValue: 'DURATION',
    default: '90d',
  }),
  kind: Flags.string({
    description: 'only findings of these kinds, separated by commas',
    helpValue: 'KINDS',
  }),
  'fail-on': Flags.string({
    description: 'findings that fail the audit: action, any, none, or kinds separated by commas',
    helpValue: 'WHAT',
    default: 'action',
  }),
  sarif: fileFlag('also write SARIF to this file; -: print only SARIF'),
}
