import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {BuiltZt, type End} from '../support/built-zt.js'
import {hasTmux, Terminal} from '../support/terminal.js'

const ACCOUNT = '2f5a7c10b3d94e6f8a1c0d2e3f405162'
const WAITS = 'Waiting until Cloudflare knows the new policy'
const ADD_RULE = ['app', 'add-rule', 'Wiki', '--service-auth', '--token', 'ci', '--yes']

let zt: BuiltZt
let info: {apiUrl: string; apiToken: string}

beforeAll(async () => {
  zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
  const seed = path.join(zt.home, 'seed.json')
  const account = {
    accounts: [{id: ACCOUNT, name: 'Widgetcorp', type: 'standard'}],
    zones: [{name: 'widgetcorp.tech'}],
    apps: [{name: 'Wiki', type: 'self_hosted', domain: 'wiki.widgetcorp.tech', policies: []}],
    service_tokens: [{id: '5c0a4d1e-3b1f-4c52-9a07-2f6f7e1d9b30', name: 'ci'}],
    // No write of an application ever knows a new policy.
    settings: {policy_lag: 1_000_000},
  }
  await fs.writeFile(seed, JSON.stringify(account))
  info = await zt.json(['sandbox', 'start', '--seed', seed])
})
afterAll(() => zt.end())

const policies = async (): Promise<{name: string}[]> => {
  const headers = {authorization: `Bearer ${info.apiToken}`}
  const answer = await fetch(`${info.apiUrl}/accounts/${ACCOUNT}/access/policies`, {headers})
  return ((await answer.json()) as {result: {name: string}[]}).result
}

/** Runs a command, and gives it a signal as soon as it has said that it waits. */
function interruptedBy(
  signal: NodeJS.Signals,
  args: string[],
  waits: string,
  meanwhile: () => Promise<unknown> = () => Promise.resolve(),
): Promise<End> {
  return zt.run(args, {
    onStart: (child) => {
      let said = ''
      const read = (chunk: Buffer): void => {
        said += chunk.toString()
        if (!said.includes(waits)) return
        child.stderr?.off('data', read)
        void meanwhile().then(() => child.kill(signal))
      }
      child.stderr?.on('data', read)
    },
  })
}

const undoIn = ({stderr}: Pick<End, 'stderr'>): string[] =>
  (/^next: {2}zt (undo \w+)$/m.exec(stderr)?.[1] ?? '').split(' ')

describe('a command that a signal ends while it waits', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('after %s says what was done, and the undo that it proposes takes it back', async (signal, code) => {
    let second: End | undefined
    const first = await interruptedBy(signal, ADD_RULE, WAITS, async () => {
      // Another one, which waits for the first.
      const set = ['app', 'set', 'Wiki', '--session-duration', '8h', '--yes']
      second = await interruptedBy(signal, set, 'Waiting for another zt')
    })
    expect([first.code, first.stdout]).toEqual([code, ''])
    expect(first.stderr).toMatch(
      /\nnote: +Waiting until Cloudflare knows the new policy\nerror: +Interrupted\nwhy: +The application "Wiki" was not changed: Cloudflare has refused it so far\.\n +Changed before that: the policy "[^"]+"\.\nnext: +zt undo \w+\n$/,
    )
    expect(second?.code).toBe(code)
    expect(second?.stderr).toMatch(/^note: .*\nerror: +Interrupted\nwhy: +zt was waiting for another zt \(process \d+\), and changed\s+nothing meanwhile\.\n$/)
    expect(await policies()).toHaveLength(1)
    expect((await zt.run([...undoIn(first), '--yes'])).code).toBe(0)
    expect(await policies()).toEqual([])
  }) // prettier-ignore

  it.skipIf(!hasTmux)(
    'also on a terminal, where the progress line would end the process silently',
    async () => {
      const pid = path.join(zt.home, 'pid')
      const starter = ['sh', '-c', 'echo $$ > "$0"; exec "$@"', pid]
      const terminal = await Terminal.run(zt, [...starter, ...zt.program, ...ADD_RULE])
      try {
        await terminal.shows(new RegExp(WAITS))
        process.kill(Number(await fs.readFile(pid, 'utf8')), 'SIGINT')
        expect(await terminal.exitCode()).toBe(130)
        const screen = await terminal.screen()
        expect(screen).toMatch(/^error: +Interrupted$/m)
        expect((await zt.run([...undoIn({stderr: screen}), '--yes'])).code).toBe(0)
      } finally {
        await terminal.close()
      }
    },
  )
})
