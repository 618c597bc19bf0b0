import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest'
import {BuiltZt} from '../support/built-zt.js'
import {until} from '../support/patience.js'
import {hasTmux, Terminal} from '../support/terminal.js'

if (!hasTmux) process.stderr.write('skipped: there is no tmux to be the terminal; .ci/run installs one\n')

describe.skipIf(!hasTmux)('on a terminal, what is missing is asked for', () => {
  let zt: BuiltZt
  let apiToken: string
  let terminal: Terminal | undefined

  beforeAll(async () => {
    zt = await BuiltZt.make({ZT_PROFILE: 'sandbox', ZT_STORE: 'vault'})
    ;({apiToken} = await zt.json<{apiToken: string}>(['sandbox', 'start']))
  })

  afterEach(() => terminal?.close())
  afterAll(() => zt.end())

  const open = async (...args: string[]): Promise<Terminal> => (terminal = await Terminal.start(zt, args))

  it('asks token create for the name, refuses a bad one on the spot, and creates', async () => {
    const t = await open('token', 'create')
    await t.shows(/Name of the service token/)
    await t.press('Enter')
    await t.shows(/The name is empty/)
    await t.type('from-a-prompt')
    await t.press('Enter')
    await t.shows(/Created service token from-a-prompt/)
    expect(await t.exitCode()).toBe(0)
    expect(await t.screen()).not.toContain('cfast_')
    expect(await zt.json(['token', 'show', 'from-a-prompt'])).toMatchObject({token: {store: 'vault'}})
  })

  it('lets add-rule pick the application and the tokens from lists', async () => {
    await zt.json(['token', 'create', 'another'])
    const t = await open('app', 'add-rule', '--service-auth')
    await t.shows(/Application[\s\S]*GitLab/)
    await t.press('Enter')
    await t.shows(/Service tokens[\s\S]*another/)
    await t.press('Space', 'Enter')
    expect(await t.shows(/Add it\?/)).toContain('+ service token another')
    await t.press('y', 'Enter')
    await t.shows(/now admits another/)
    expect(await t.exitCode()).toBe(0)
    expect(await zt.json(['app', 'show', 'GitLab'])).toMatchObject({
      application: {policies: [{decision: 'allow'}, {decision: 'non_identity'}]},
    })
  })

  it('searches a long list for what is typed, also in 40 columns and in ASCII', async () => {
    const names = [
      'backup',
      'deploy',
      'mirror',
      'nightly',
      'runner',
      'scanner',
      'terraform',
      'of the runner in Zürich',
    ]
    for (const name of names) await zt.json(['token', 'create', name])
    const t = (terminal = await Terminal.run(zt, ['env', 'LC_ALL=C', ...zt.program, 'token', 'show'], {}, 40))
    const list = await t.shows(/Service token[\s\S]*> \w+[\s\S]*type filter/)
    expect(list).toMatch(/^[ -~\nü]+enter\nselect$/)
    await t.type('RUN zür')
    await t.shows(/Service token RUN zür\n> of the runner in Zürich\n\s*type/)
    await t.press('Enter')
    await t.shows(/^name +of the runner in Zürich$/m)
    expect(await t.exitCode()).toBe(0)
  })

  it('reads the API token of a login without showing it', async () => {
    const {apiUrl} = await zt.json<{apiUrl: string}>(['whoami'])
    const t = await open('login', '--profile', 'typed', '--api-url', apiUrl)
    await t.shows(/API token/)
    await t.type(apiToken)
    await t.press('Enter')
    await t.shows(/Logged in to Widgetcorp/)
    expect(await t.exitCode()).toBe(0)
    const screen = await t.screen()
    expect(apiToken.length).toBeGreaterThan(20)
    expect(screen).not.toContain(apiToken)
    expect(screen).not.toContain(apiToken.slice(0, 12))
    expect(screen).not.toMatch(/\*{8}/)
  })

  it('asks before a secret goes to a host that it is not bound to, and takes no for an answer', async () => {
    const t = await open('ssh', 'other.widgetcorp.tech', '--token', 'another')
    await t.shows(/other\.widgetcorp\.tech is not bound to "another"/)
    await t.press('Enter')
    expect(await t.exitCode()).toBe(12)
    expect(await t.screen()).toContain('Cancelled; nothing was sent')
  })

  it.each([
    ['alone', {}],
    // Then another process waits for the one that asks.
    ["started again without node's switches", {NODE_OPTIONS: '--report-on-signal'}],
  ])('comes back to the question after Ctrl-Z and fg: %s', async (name, env) => {
    const shell = (terminal = await Terminal.run(zt, ['sh', '-i'], {...env, PS1: 'shell: '}))
    await shell.type(`${zt.program.join(' ')} token create`)
    await shell.press('Enter')
    await shell.shows(/Name of the service token/)
    await shell.type('half')
    await shell.shows(/service token half$/)
    await shell.press('C-z')
    await shell.shows(/Stopped[\s\S]*shell:$/)
    await shell.type('fg')
    await shell.press('Enter')
    await shell.shows(/shell: fg[\s\S]*\? Name of the service token half$/)
    await shell.type(`.${Object.keys(env).length}`)
    await shell.press('Enter')
    await shell.shows(/Created service token half\.[01]/)
    await shell.type('exit $?')
    await shell.press('Enter')
    expect(await shell.exitCode(), name).toBe(0)
  })

  it.skipIf(process.platform !== 'linux')(
    'gives the shell its prompt back when the command of exec stops itself, as ssh does at ~^Z',
    async () => {
      await zt.json(['token', 'create', 'for-exec'])
      const shell = (terminal = await Terminal.run(zt, ['sh', '-i'], {PS1: 'shell: '}))
      await shell.type(`${zt.program.join(' ')} exec for-exec -- sh -c 'kill -STOP $$; read x; echo got $x'`)
      await shell.press('Enter')
      await shell.shows(/Stopped[\s\S]*shell:$/)
      await shell.type('fg')
      await shell.press('Enter')
      await shell.type('on')
      await shell.press('Enter')
      await shell.shows(/^got on$/m)
    },
  )

  it.skipIf(process.platform !== 'linux')(
    'sends no second Ctrl-C to the command of exec where no standard stream is the terminal',
    async () => {
      const shell = (terminal = await Terminal.run(zt, ['sh', '-i'], {PS1: 'shell: '}))
      const script = 'trap "echo got" INT; trap "exit 7" TERM; echo $PPID; while :; do sleep 0.05; done'
      await shell.type(`${zt.program.join(' ')} exec for-exec -- sh -c '${script}' </dev/null >out 2>&1`)
      await shell.press('Enter')
      const out = path.join(zt.home, 'out')
      const written = (what: RegExp): Promise<string> =>
        until(async () => {
          const text = await fs.readFile(out, 'utf8').catch(() => '')
          return what.exec(text)?.[0]
        })
      const pid = Number(await written(/^\d+(?=\n)/))
      await shell.press('C-c')
      await written(/got\n/)
      // Cannot be typed, so zt passes it on, after what it has received before.
      process.kill(pid, 'SIGTERM')
      await shell.type('exit $?')
      await shell.press('Enter')
      expect(await shell.exitCode()).toBe(7)
      expect(await fs.readFile(out, 'utf8')).toBe(`${pid}\ngot\n`)
    },
  )

  it('ends with 130 on Ctrl-C at a prompt, and has changed nothing', async () => {
    const before = await zt.json(['token', 'list'])
    const t = await open('token', 'create')
    await t.shows(/Name of the service token/)
    await t.press('C-c')
    expect(await t.exitCode()).toBe(130)
    expect(await t.screen()).toContain('Cancelled; nothing was changed')
    expect(await zt.json(['token', 'list'])).toEqual(before)
  })

  it.each([
    ['token', 'create'],
    ['token', 'show'],
    ['app', 'show'],
    ['app', 'add-rule'],
    ['login'],
    ['ssh'],
    ['sandbox', 'reset'],
  ])('asks nothing with --no-input: %s %s', async (...words) => {
    const t = await open(...words.filter((word) => typeof word === 'string'), '--no-input')
    expect(await t.exitCode()).toBe(2)
    expect(await t.screen()).toMatch(/error: .* is missing/)
  })

  it.each<[what: string, env: NodeJS.ProcessEnv, coloured: boolean]>([
    ['colour', {}, true],
    ['colour with an empty NO_COLOR', {NO_COLOR: ''}, true],
    ['none with NO_COLOR', {NO_COLOR: '1'}, false],
  ])('shows %s on a terminal', async (_, env, coloured) => {
    // One line of each stream.
    for (const args of [
      ['help', 'exit-codes'],
      ['whoami', '--profile', 'nobody', '--no-input'],
    ]) {
      terminal = await Terminal.start(zt, args, env)
      await terminal.exitCode()
      expect((await terminal.screen({colours: true})).includes('\u001B[')).toBe(coloured)
      await terminal.close()
    }
  })
})
