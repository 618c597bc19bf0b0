import {describe, expect, it} from 'vitest'
import {commands} from '../support/manifest.js'

/** Flags that mean something else in each command that has them, and why they keep one name. */
const EXCEPTIONS: Record<string, string> = {
  all: 'forward stop ends all forwards, policy make-reusable changes all policies of an application',
  country: 'a rule names it, app explain asks for a client from it',
  domain: 'app create sets it, app list searches for it',
  email: 'a rule names it, app explain asks for a person with it',
  expiring: 'token list shows only those, token audit judges by it',
  fix: 'store check repairs at once, doctor asks for each',
  group: "an Access group, in app explain one of the person's at the identity provider",
  ip: 'a rule names it, app explain asks for a client with it',
  name: 'app add-rule sets it, the lists search for it: app list for a part, token list for all of it',
  remove: 'ssh config takes back its block, setup takes back all that it did',
  'short-lived-cert':
    "access ssh-config takes cloudflared's without effect, ssh config switches such certificates off",
  since: 'report compares with an earlier report, the others look back for that long',
  timeout: 'ssh check times each step, ssh proxy the connection',
  token: 'a connection uses it, all others are about it',
  undo: 'token rotate returns to a secret, token recover ends an operation',
  unused: 'token list shows those that were never used, token audit judges by a time',
}

const flags = commands.flatMap(({id, flags: all}) =>
  Object.values(all)
    .filter(({hidden}) => hidden !== true)
    .map(({name, description = ''}) => ({id, name, description})),
)

describe('the flags of all commands', () => {
  it('mean and say the same by the same name', () => {
    const names = [...new Set(flags.map(({name}) => name))]
    const different = names.filter(
      (name) => new Set(flags.filter((one) => one.name === name).map((one) => one.description)).size > 1,
    )
    expect(different.sort()).toEqual(Object.keys(EXCEPTIONS).sort())
  })

  it('are described by a phrase without a full stop, as the arguments are', () => {
    const args = commands.flatMap(({id, args: all}) =>
      Object.values(all).map(({name, description = ''}) => ({id, name, description})),
    )
    const wrong = [...flags, ...args].filter(
      ({description}) =>
        !/^(PEM|IP|ID|CF-RAY|YAML|Access|Cloudflare|[^A-Z])/.test(description) || /[.]$/.test(description),
    )
    expect(wrong).toEqual([])
  })
})

describe('the summaries of all commands', () => {
  it('begin with a verb in the imperative and have no full stop', () => {
    const wrong = commands.filter(({summary = ''}) => !/^[A-Z][a-z]+ [^.]*$/.test(summary))
    expect(wrong.map(({id, summary}) => [id, summary])).toEqual([])
  })
})
