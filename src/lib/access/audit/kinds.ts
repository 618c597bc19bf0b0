/** `action`: a person should do something about it. `notice`: it is worth a look. */
export type Severity = 'action' | 'notice'

interface KindRow {
  severity: Severity
  /** What has been found, as the title of a list. */
  found: string
  /** What to do about it: sentences. */
  remedy: string
}

/** What `zt token audit` finds, in the order in which it is shown. docs/how-to/audit.md has the same table (a test compares it). */
export const KINDS = {
  expired: {
    severity: 'action',
    found: 'Service tokens that have expired',
    remedy: 'Extend a token that is still needed (`zt token refresh`), and revoke one that is not.',
  },
  expiring: {
    severity: 'action',
    found: 'Service tokens that expire soon',
    remedy: 'Extend the token (`zt token refresh`): its secret stays the same.',
  },
  unused: {
    severity: 'action',
    found: 'Service tokens that were not used for a long time',
    remedy: 'Disable the token (`zt token disable`, which `zt token enable` reverts); later revoke it.',
  },
  'referenced-never-used': {
    severity: 'action',
    found: 'Service tokens that something names and no one used',
    remedy: 'Disable the token. `zt token revoke --detach` takes it out of everything and deletes it.',
  },
  'never-used': {
    severity: 'action',
    found: 'Service tokens that nothing names and no one used',
    remedy: 'Revoke the token.',
  },
  'any-valid-token': {
    severity: 'action',
    found: 'Rules that let in every valid service token',
    remedy: 'Name the tokens that need it (`zt app add-rule`), then remove the rule.',
  },
  'secret-without-token': {
    severity: 'action',
    found: 'Secrets here whose service token no longer exists',
    remedy: 'Remove the secret: `zt token revoke` removes what is left on this machine.',
  },
  disabled: {
    severity: 'notice',
    found: 'Service tokens that are disabled',
    remedy: 'Revoke a token that is no longer needed.',
  },
  unreferenced: {
    severity: 'notice',
    found: 'Service tokens that nothing names',
    remedy: 'Revoke the token, or add a rule that names it.',
  },
  'duplicate-name': {
    severity: 'notice',
    found: 'Service tokens that have the name of another one',
    remedy: 'Rename one of them (`zt token rename`): commands refer to a token by its name.',
  },
  'token-without-secret': {
    severity: 'notice',
    found: 'Service tokens whose secret is not on this machine',
    remedy: 'Nothing, if another machine has it. Otherwise `zt token import` or `zt token rotate`.',
  },
  'previous-secret': {
    severity: 'notice',
    found: 'Service tokens whose previous secret still works',
    remedy: 'End the grace period (`zt token rotate --finish`) once everything has the new secret.',
  },
  'unused-rule': {
    severity: 'notice',
    found: 'Rules that let no service token in',
    remedy: 'Remove the rule from the application (`zt app remove-rule`, which `zt undo` reverts).',
  },
  'unused-in-rule': {
    severity: 'notice',
    found: 'Service tokens that a rule names and did not let in',
    remedy: 'Take the token out of the rule (`zt app remove-rule`).',
  },
  'unused-in-group': {
    severity: 'notice',
    found: 'Service tokens in a group by which no rule let them in',
    remedy: 'Take the token out of the group (`zt group remove-token`).',
  },
  trap: {
    severity: 'notice',
    found: 'Rules that do not do what they seem to do',
    remedy: '`zt app explain` shows what each rule does, and how to change it (docs/reference/refusals.md).',
  },
} as const satisfies Record<string, KindRow>

export type FindingKind = keyof typeof KINDS

export const KIND_NAMES = Object.keys(KINDS) as FindingKind[]
