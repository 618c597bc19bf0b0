import {existsSync} from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {SHELLS, type Shell} from '../../src/lib/completion/scripts.js'
import {BASH_COMPLETION, CompletionHome, isInstalled} from '../support/shells.js'
import {hasTmux} from '../support/terminal.js'

const missing = [...SHELLS.filter((shell) => !isInstalled(shell)), ...(hasTmux ? [] : ['tmux'])]
if (missing.length > 0 || !existsSync(BASH_COMPLETION))
  process.stderr.write(
    `SKIPPED: completion in shells, which needs ${[...missing, 'bash-completion'].join(', ')}\n`,
  )

/** A name that, if executed, would leave a file in the test's home. */
const HOSTILE = [
  '$(touch PWNED)',
  '`touch PWNED`; touch PWNED',
  '"; touch PWNED; "',
  `it's "both" of \\ them`,
  "'$HOME'",
  '~root',
  '#1 of many',
  '*.? [a-z] {x,y}',
  'a:b=c@d,e%f+g',
  '!! !$ ^a^b',
  'a | b && c > PWNED < d',
  'größer 🚀 als 中文',
  ' blanks at both ends ',
  '%s\\n\\x41\\',
  '=ls',
  '-y',
]
/** If the word begins with a quote. */
const IN_QUOTES = ['$(touch PWNED)', `it's "both" of \\ \`them\``, 'a! b!']

describe.skipIf(missing.length > 0)('at TAB', () => {
  let homes: Record<Shell, CompletionHome>

  beforeAll(async () => {
    const made = await Promise.all(SHELLS.map(async (shell) => [shell, await CompletionHome.make()] as const))
    homes = Object.fromEntries(made) as typeof homes
  })
  afterAll(() => Promise.all(Object.values(homes).map((home) => home.end())))

  it.concurrent.each(SHELLS)(
    '%s gives zt exactly the name that it completed, and runs nothing of it',
    async (shell) => {
      const home = homes[shell]
      const person = await home.open(shell)
      try {
        for (const name of HOSTILE) {
          await home.names('token', name)
          const typed = name.startsWith('-') || (shell === 'fish' && name.startsWith('~')) ? 'id-0' : name
          expect(await person.completes('zt token show '), name).toEqual(['token', 'show', typed])
        }
        for (const name of IN_QUOTES) {
          await home.names('token', name)
          for (const quote of [`'`, `"`]) {
            const begun = `zt token show ${quote}${name.slice(0, 1)}`.replace('"$', '"\\$')
            expect(await person.completes(begun), `${quote}${name}`).toEqual(['token', 'show', name])
          }
        }
        // The common prefix of several is inserted.
        await home.names('token', 'a $(b) 1', 'a $(b) 2')
        await person.terminal.type('zt token show a')
        await person.terminal.press('Tab')
        expect(await person.completes('2')).toEqual(['token', 'show', 'a $(b) 2'])
        await home.names('application', 'a: b', 'z')
        expect(await person.completes('zt app show a:')).toEqual(['app', 'show', 'a: b'])
        await home.names('group', 'rob ots', 'z')
        expect(await person.completes('zt app add-rule x --group=rob')).toEqual([
          'app',
          'add-rule',
          'x',
          '--group=rob ots',
        ])
        await fs.writeFile(path.join(home.zt.home, 'ca file.pem'), '')
        expect(await person.completes('zt login --ca-file ca')).toEqual(['login', '--ca-file', 'ca file.pem'])
        expect(await person.completes('zt login --ca-file=ca')).toEqual(['login', '--ca-file=ca file.pem'])
        expect(await person.completes('true; zt token sho')).toEqual(['token', 'show'])
        expect(await person.completes('zt token create ca')).toEqual(['token', 'create', 'ca'])
        expect(existsSync(path.join(home.zt.home, 'PWNED'))).toBe(false)
      } finally {
        await person.terminal.close()
      }
    },
  )

  it.concurrent.each([
    ['bash', /recover +refresh +rename +revoke +rotate/],
    ['zsh', /rename +-- Rename a service token/],
    ['fish', /rename +\(Rename a service token\)/],
  ] as const)('%s shows what there is to choose from', async (shell, list) => {
    const home = await CompletionHome.make()
    const person = await home.open(shell)
    try {
      await person.terminal.type('zt token r')
      await person.terminal.press('Tab', 'Tab')
      await person.terminal.shows(list)
    } finally {
      await person.terminal.close()
      await home.end()
    }
  })

  it('zsh loads it from a directory of $fpath', async () => {
    const home = await CompletionHome.make()
    const person = await home.open('zsh', {packaged: true})
    try {
      await home.names('application', '$(touch PWNED)')
      expect(await person.completes('zt app show ')).toEqual(['app', 'show', '$(touch PWNED)'])
    } finally {
      await person.terminal.close()
      await home.end()
    }
  })

  it.skipIf(!existsSync(BASH_COMPLETION))('bash loads it by the package bash-completion', async () => {
    const home = await CompletionHome.make()
    const person = await home.open('bash', {packaged: true})
    try {
      await home.names('application', 'a: $(touch PWNED)')
      expect(await person.completes('zt app show a:')).toEqual(['app', 'show', 'a: $(touch PWNED)'])
      expect(existsSync(path.join(home.zt.home, 'PWNED'))).toBe(false)
    } finally {
      await person.terminal.close()
      await home.end()
    }
  })
})
