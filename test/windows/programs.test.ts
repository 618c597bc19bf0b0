import fs from 'node:fs'
import path from 'node:path'
import {beforeAll, describe, expect, inject, it} from 'vitest'
import {HOST} from '../contract/command-world.js'
import {PLACE} from './install.js'
import {NODE} from './wine.js'
import {ZT} from './windows-zt.js'
import {describeOnWindows, isWorded, said} from './world.js'

/** Each has a meaning to cmd, to the C runtime, to sh or to PowerShell. */
const HOSTILE = [
  ...[
    '',
    ' ',
    'a b',
    '"',
    'a"b',
    '\\',
    'a\\',
    'a b\\',
    '\\"',
    '\\\\"',
    'C:\\dir with blank\\',
    '%OS%',
    '%%',
    '^',
    '^^&',
  ],
  ...[
    '&calc',
    '|more',
    '>out',
    '<in',
    '(x)',
    '!OS!',
    '*.*',
    '?',
    '~',
    "'",
    '`',
    '$HOME',
    '@x',
    ';',
    ',',
    '=',
    '\tx',
  ],
  ...['ü', '日本', '\u{1F600}', '--', '-', '/?', '--help', '-e'],
]
const PRINT = 'console.log(JSON.stringify(process.argv.slice(1)))'

describeOnWindows('programs on Windows', (world) => {
  const pair = {CF_ACCESS_CLIENT_ID: `${'1'.repeat(32)}.access`, CF_ACCESS_CLIENT_SECRET: '2'.repeat(64)}
  const exec = (...words: string[]) => world.zt.run(['exec', 'env', '--', ...words], {env: pair})

  it('a command of zt exec gets every argument as it was given', async () => {
    const end = await exec('node', '-e', PRINT, '--', ...HOSTILE)
    expect(end.code, said(end)).toBe(0)
    expect(JSON.parse(end.stdout)).toEqual(HOSTILE)
  })

  it.each([
    ['a name on PATH', 'node'],
    ['a name with its extension', 'NODE.EXE'],
    ['a path', NODE],
    ['a path without the extension', String.raw`C:\node\node`],
    ['a path with slashes', 'C:/node/node.exe'],
    ['a relative path', String.raw`..\..\node\node`],
  ])('zt exec starts a program by %s', async (_, program) => {
    const end = await exec(program, '-p', '6*7')
    expect(end, said(end)).toMatchObject({code: 0, stdout: '42\n'})
  })

  it.each([
    ['that is not there', 'no-such-program', 127],
    ['by a path that is not there', String.raw`C:\no such\program.exe`, 127],
  ])('zt exec names a program %s', async (_, program, code) => {
    const end = await exec(program)
    expect(end.code, said(end)).toBe(code)
    expect(end.stderr).toMatch(/^error: /m)
  })

  describe('a batch file', () => {
    let batch = ''
    beforeAll(() => {
      const file = path.join(world.zt.home, 'druck mich.cmd')
      fs.writeFileSync(file, `@"${NODE}" -e "${PRINT.replaceAll('"', '\\"')}" -- %*\r\n`)
      batch = world.zt.path(file)
    })

    it('gets every argument as it was given, as far as cmd can quote it', async () => {
      const words = HOSTILE.filter((word) => !/["%!\t]/.test(word))
      const end = await exec(batch, ...words)
      expect(end.code, said(end)).toBe(0)
      expect(JSON.parse(end.stdout)).toEqual(words)
    })

    it('ends zt exec with its exit code', async () => {
      fs.writeFileSync(path.join(world.zt.home, 'ends.bat'), '@exit /b 7\r\n')
      const end = await exec(String.raw`.\ends`, 'a & b')
      expect(end.code, said(end)).toBe(7)
    })

    it.each(['"', '^"', '%CMDCMDLINE:~-1%', '%OS%', '!OS!'])(
      'is not started with %s, and nothing runs',
      async (sign) => {
        const mark = path.join(world.zt.home, 'ran')
        const end = await exec(batch, `${sign}&echo x>${world.zt.path(mark)}&rem `)
        expect(end.code, said(end)).toBe(126)
        expect(fs.existsSync(mark)).toBe(false)
      },
    )
  })

  describe('what Windows does not start', () => {
    /** Before the others on PATH. */
    const DAMAGED = String.raw`C:\damaged programs`
    const env = {PATH: ''}
    beforeAll(() => {
      env.PATH = `${DAMAGED};${world.zt.env['PATH']}`
      fs.mkdirSync(world.windows.unix(DAMAGED), {recursive: true})
      for (const name of [
        'ssh.exe',
        'curl.exe',
        'cloudflared.exe',
        'docker-credential-damaged.exe',
        'script.py',
      ])
        fs.writeFileSync(path.join(world.windows.unix(DAMAGED), name), 'not a program\n')
    })

    it.each(['ssh.exe', 'script.py', 'cloudflared'])('is the command %s of zt exec: 126', async (name) => {
      const end = await exec(`${DAMAGED}\\${name}`)
      expect(end.code, said(end)).toBe(126)
      expect(end.stderr).toMatch(/^error: /m)
    })

    it.each([
      ['ssh', ['ssh', HOST, '--token', 'env', '--yes']],
      ['curl', ['curl', `https://${HOST}/`, '--token', 'env', '--yes']],
      ['cloudflared', ['ssh', 'proxy', HOST, '--client', 'cloudflared', '--token', 'env', '--yes']],
      ['a helper', ['store', 'use', 'helper:damaged', '--yes']],
    ])('is %s: that is said, and is no bug', async (_, args) => {
      const end = await world.zt.run(args, {env: {...env, ...pair}})
      expect(isWorded(end), said(end)).toBe(true)
    })

    it('is a finding of zt doctor', async () => {
      const end = await world.zt.run(['doctor', '--offline'], {env})
      expect([0, 9], said(end)).toContain(end.code)
    })
  })

  it.each([255, 256, 3221225477, 4294967295])('exit code %i of a command comes back', async (code) => {
    const end = await exec('node', '-e', `process.exit(${code} | 0)`)
    expect(end.code, said(end)).toBe(code)
  })

  it('a variable of zt exec replaces one whose name differs by case', async () => {
    const args = ['exec', '--id-var', 'Api_Id', '--secret-var', 'Api_Secret', 'env', '--', 'node', '-p']
    const end = await world.zt.run([...args, 'process.env.API_ID + process.env.api_secret'], {
      env: {...pair, API_ID: 'old', aPI_SECRET: 'old'},
    })
    expect(end.stdout.trim(), said(end)).toBe(pair.CF_ACCESS_CLIENT_ID + pair.CF_ACCESS_CLIENT_SECRET)
  })

  it('zt exec needs no --, which npm’s zt.ps1 drops', async () => {
    const end = await world.zt.run(['exec', 'env', 'node', '-p', '6*7'], {env: pair})
    expect(end, said(end)).toMatchObject({code: 0, stdout: '42\n'})
  })

  it('a secret of zt exec reaches the program, and the exit code comes back', async () => {
    const end = await exec('node', '-e', 'process.exit(process.env.CF_ACCESS_CLIENT_SECRET.length)')
    expect(end.code).toBe(64)
  })

  describe('ProxyCommand', () => {
    let line = ''
    beforeAll(async () => {
      const made = await world.zt.json(['token', 'create', 'ssh', '--reveal'])
      await world.zt.json(['token', 'import', 'ssh', '--replace', '--host', HOST], {
        input: JSON.stringify(made),
      })
      const end = await world.zt.run(['ssh', 'config', HOST])
      line = /^ {2}ProxyCommand (.*?)\r?$/m.exec(end.stdout)?.[1]?.replaceAll('%%', '%') ?? said(end)
    })

    it('names node and the script, whose paths have blanks and umlauts', () => {
      expect(line).toMatch(/^"C:\/node\/node\.exe" "C:\/Program Files \(x86\)\/zt, Präfix\//)
    })

    it.each([
      ['Windows itself', (text: string) => /^"([^"]+)" (.*)$/.exec(text)?.slice(1) ?? []],
      ['cmd', (text: string) => ['cmd.exe', `/d /s /c "${text}"`]],
    ])('reaches the edge when %s starts it', async (_, split) => {
      const [program = '', rest = ''] = split(line)
      const end = await world.windows.run(program, [rest], {verbatim: true, env: world.zt.env})
      expect(end.code, said(end)).toBe(10)
      expect(end.stderr).toContain(HOST)
    })

    it('is what zt ssh gives to ssh, and its refusal is explained', async () => {
      const end = await world.zt.run(['ssh', HOST])
      expect(end.code, said(end)).toBe(255)
      expect(end.stderr).toContain(HOST)
    })
  })

  it('a helper is a program docker-credential-NAME.exe', async () => {
    const env = {ZT_STORE: undefined}
    const used = await world.zt.run(['store', 'use', 'helper:file', '--yes'], {env})
    expect(used.code, said(used)).toBe(0)
    const end = await world.zt.run(['token', 'create', 'helped', '--store', 'helper:file'], {env})
    expect(end.code, said(end)).toBe(0)
    const held = await world.zt.run(
      ['exec', 'helped', '--', 'node', '-p', 'process.env.CF_ACCESS_CLIENT_SECRET'],
      {env},
    )
    const entries = fs.readFileSync(path.join(world.zt.home, 'AppData', 'Roaming', 'helper.json'), 'utf8')
    expect(held.code, said(held)).toBe(0)
    expect(held.stdout.trim()).toMatch(/^\w{40,}$/)
    expect(entries).toContain(held.stdout.trim())
  })
})

describeOnWindows("npm's commands on Windows", (world) => {
  const at = (name: string): string => world.windows.unix(`${PLACE}\\${name}`)

  it('are zt.cmd, zt.ps1 and zt', () => {
    expect(inject('wine')?.npm).toMatch(/added \d+ package/)
    for (const name of ['zt.cmd', 'zt.ps1', 'zt']) expect(fs.existsSync(at(name)), name).toBe(true)
    expect(fs.existsSync(world.windows.unix(ZT))).toBe(true)
  })

  it('zt.cmd hands cmd’s words to zt', async () => {
    // The last line leaves the batch file by `goto` to nowhere and goes on, which wine's cmd does not.
    const text = fs.readFileSync(at('zt.cmd'), 'utf8')
    expect(text).toContain('goto #_undefined_# 2>NUL || title %COMSPEC% & ')
    fs.writeFileSync(
      at('zt-in-wine.cmd'),
      text.replace('endLocal & goto #_undefined_# 2>NUL || title %COMSPEC% & ', ''),
    )
    const line = `""${PLACE}\\zt-in-wine.cmd" exec env -- node -e "${PRINT.replaceAll('"', '\\"')}" -- "a b" ü "c&d" "e|f" "g^h" (i) j=k,l"`
    const end = await world.windows.run('cmd.exe', ['/d', '/s', '/c', line], {
      verbatim: true,
      env: {
        ...world.zt.env,
        CF_ACCESS_CLIENT_ID: `${'1'.repeat(32)}.access`,
        CF_ACCESS_CLIENT_SECRET: '2'.repeat(64),
      },
    })
    expect(end.code, said(end)).toBe(0)
    expect(JSON.parse(end.stdout)).toEqual(['a b', 'ü', 'c&d', 'e|f', 'g^h', '(i)', 'j=k,l'])
  })

  it('zt.ps1 passes its arguments on', () => {
    expect(fs.readFileSync(at('zt.ps1'), 'utf8')).toContain('$args')
  })
})
