import {execFileSync} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {withForwardSlashes} from '../../../src/lib/core/quote.js'
import {findProgram} from '../../../src/lib/system/programs.js'
import {proxyCommand, type ProxyCommandOptions} from '../../../src/lib/tunnel/proxy/command.js'
import {readCommandLine} from '../../support/windows-command-line.js'

const ssh = findProgram('ssh', process.env)
if (ssh === undefined) process.stderr.write('SKIPPED: there is no ssh to ask what it reads\n')

const HOST = 'git.example.com'
const base: ProxyCommandOptions = {
  program: ['/usr/bin/node', '/opt/zt/bin/zt.cjs'],
  profile: 'default',
  client: 'auto',
  host: HOST,
}
const SCRIPT = 'C:\\Users\\Jo Do\\AppData\\Roaming\\npm\\node_modules\\zt-access\\bin\\zt.cjs'
const windows: ProxyCommandOptions = {
  ...base,
  program: ['C:\\Program Files\\nodejs\\node.exe', SCRIPT],
  platform: 'win32',
}

describe('the ProxyCommand', () => {
  it('starts node with the script, and on Windows too: `zt` would be a batch file there', () => {
    expect(proxyCommand({...base, platform: 'linux'})).toBe(
      `/usr/bin/node /opt/zt/bin/zt.cjs ssh proxy --profile default ${HOST}`,
    )
    expect(proxyCommand(windows)).toBe(
      '"C:/Program Files/nodejs/node.exe" ' +
        '"C:/Users/Jo Do/AppData/Roaming/npm/node_modules/zt-access/bin/zt.cjs" ' +
        `ssh proxy --profile default ${HOST}`,
    )
  })

  it.each<[what: string, options: Partial<ProxyCommandOptions>, has: string]>([
    [
      'a program without blanks is in quotes',
      {program: ['C:\\nodejs\\node.exe', SCRIPT]},
      '"C:/nodejs/node.exe" "C:/Users/',
    ],
    ['a share', {program: ['\\\\srv\\c$\\node.exe', SCRIPT]}, '"//srv/c$/node.exe" '],
    [
      'flags of node',
      {program: ['C:\\node.exe', '--use-openssl-ca', SCRIPT]},
      'node.exe" --use-openssl-ca "C:/',
    ],
    ['a CA file', {caFile: 'D:\\ca & co\\root.pem'}, ' --ca-file "D:/ca & co/root.pem" '],
    ['percent signs are for ssh', {program: ['C:\\node.exe', 'C:\\50%\\%h\\zt.cjs']}, ' C:/50%%/%%h/zt.cjs '],
    ['the host is left to ssh', {host: '%h'}, ' default %h'],
    ['an address', {connectTo: '[::1]:8443'}, ' --connect-to "[::1]:8443" '],
  ])('on Windows: %s', (_what, options, has) => {
    expect(proxyCommand({...windows, ...options})).toContain(has)
  })

  it.each<[platform: NodeJS.Platform, options: Partial<ProxyCommandOptions>]>([
    ...(['linux', 'darwin', 'win32'] as const).flatMap(
      (platform): [NodeJS.Platform, Partial<ProxyCommandOptions>][] => [
        [platform, {program: ['/node', '/a\nProxyCommand evil/zt.cjs']}],
        [platform, {program: ['/a\r/node']}],
        [platform, {caFile: '/a\0b'}],
      ],
    ),
    ['win32', {caFile: 'C:\\$(evil)\\ca.pem'}],
    ['win32', {program: ['C:\\`evil`\\node.exe']}],
    ['win32', {program: ['C:\\node.exe', 'C:\\$HOME\\zt.cjs']}],
  ])('on %s what cannot be written is refused: %j', (platform, options) => {
    expect(() => proxyCommand({...base, ...options, platform})).toThrow(
      expect.objectContaining({code: 'PATH_NOT_FOR_SSH', kind: 'config'}),
    )
  })
})

/** The words of a ProxyCommand that is made of these paths. */
const wordsOf = (options: ProxyCommandOptions, read: (command: string) => string[]): string[] =>
  // What ssh makes of it (percent_expand) before anything else reads it.
  read(proxyCommand(options).replaceAll('%%', '%'))
const meant = ({program, caFile, host}: ProxyCommandOptions): string[] => [
  ...[...program, 'ssh', 'proxy', '--profile', 'default'],
  ...(caFile === undefined ? [] : ['--ca-file', caFile]),
  host,
]

const namesOf = (signs: string) =>
  fc.string({unit: fc.constantFrom(...signs.split('')), minLength: 1, maxLength: 10})
const onUnix = namesOf(`ab "'\\$\`!%^&|<>()[]{}*?~#;=,@é`).map((name) => `/x/${name}`)
/** What a file's name may hold on Windows, without what sh takes for a command. */
const onWindows = fc
  .tuple(fc.constantFrom('C:\\', 'd:/', '\\\\srv\\share\\'), namesOf(`ab '!%^&()[]{}~#;=,@.é`))
  .map(([root, name]) => root + name)
const optionsOf = (file: fc.Arbitrary<string>, platform: NodeJS.Platform) =>
  fc
    .record({program: fc.tuple(file, file), caFile: fc.option(file, {nil: undefined})})
    .map((paths): ProxyCommandOptions => ({...base, ...paths, platform}))

const bySh = (command: string): string[] =>
  execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${command}`], {encoding: 'utf8'})
    .split('\0')
    .slice(0, -1)

describe('whatever the paths are called', () => {
  it('sh reads them as they are', () => {
    fc.assert(
      fc.property(optionsOf(onUnix, 'linux'), (options) => {
        expect(wordsOf(options, bySh)).toEqual(meant(options))
      }),
      {numRuns: 100},
    )
  })

  it('a program of Windows reads them as they are, and so does the sh of Git for Windows', () => {
    fc.assert(
      fc.property(optionsOf(onWindows, 'win32'), (options) => {
        const expected = meant(options).map(withForwardSlashes)
        expect(wordsOf(options, readCommandLine)).toEqual(expected)
        expect(wordsOf(options, bySh)).toEqual(expected)
      }),
      {numRuns: 100},
    )
  })

  it.skipIf(ssh === undefined)(
    'ssh keeps the command as it is, from its configuration and from -o',
    async () => {
      const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-pc-'))
      const file = path.join(directory, 'config')
      const read = (...args: string[]): string | undefined => {
        const said = execFileSync(ssh ?? '', ['-T', '-G', ...args, HOST], {encoding: 'utf8'})
        return /^proxycommand (.*)$/m.exec(said)?.[1]
      }
      const options = fc.oneof(optionsOf(onUnix, 'linux'), optionsOf(onWindows, 'win32'))
      try {
        await fc.assert(
          fc.asyncProperty(options, async (given) => {
            const command = proxyCommand(given)
            expect(read('-F', 'none', '-o', `ProxyCommand=${command}`)).toBe(command)
            await fs.writeFile(file, `Host ${HOST}\n  ProxyCommand ${command}\n`)
            expect(read('-F', file)).toBe(command)
          }),
          {numRuns: 60},
        )
      } finally {
        await fs.rm(directory, {recursive: true, force: true})
      }
    },
  )
})
