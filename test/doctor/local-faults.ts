import {randomUUID} from 'node:crypto'
import fs from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import {UndoRecords} from '../../src/lib/access/edit/records.js'
import type {JsonObject} from '../../src/lib/core/json.js'
import {Secret} from '../../src/lib/core/secret.js'
import {Journal} from '../../src/lib/secrets/journal/journal.js'
import {Vault} from '../../src/lib/secrets/vault/vault.js'
import {thisProcess} from '../../src/lib/system/processes.js'
import {ownFile} from '../../src/lib/tunnel/connections/run-files.js'
import {sharingDirectories} from '../../src/lib/tunnel/ssh/sharing.js'
import {AnnouncedProcess} from '../support/announced-process.js'
import type {CommandWorld} from '../support/command-harness.js'

export const ROOT = path.resolve(import.meta.dirname, '../..')
/** Above every process ID that Linux and macOS give. */
const ENDED = 99_999_999
const HOURS_AGO = new Date(Date.now() - 3 * 3600_000)

type Environment = Record<string, string | undefined>

/** One thing that is wrong on a machine where nothing else is. */
export interface LocalFault {
  fault: string
  /** @returns what it puts into the environment */
  build: (zt: CommandWorld) => Environment | void | Promise<Environment | void>
  /** The one finding: its ID and state. */
  finds: string
  /** What its sentences have. */
  says?: RegExp
  /** --fix cures it. */
  fixable?: true
  /** Only root can build it. */
  rootOnly?: true
  /** It is made by commands, which need a machine that works. */
  byCommands?: true
}

/** What makes a machine healthy is slow, so the first test's is copied for the others. */
let healthy: {data: CommandWorld['state']['data']; directories: string} | undefined

/** A machine on which nothing is wrong: ssh and zt on PATH, a profile, and a service token in the vault. */
export async function makeHealthy(zt: CommandWorld): Promise<void> {
  for (const name of ['.zsh', '.ssh']) await fs.rm(at(zt, name), {recursive: true, force: true})
  await program(zt, 'ssh', 'OpenSSH_9.2p1 Debian-2, OpenSSL 3.0.15 3 Sep 2024')
  await fs.symlink(path.join(ROOT, 'bin', 'zt.cjs'), zt.file('bin/zt'))
  if (healthy) {
    Object.assign(zt.state.data, structuredClone(healthy.data))
    return fs.cp(healthy.directories, zt.home, {recursive: true})
  }
  await zt.json('token create deploy')
  const directories = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-healthy-'))
  for (const name of ['CONFIG', 'DATA', 'STATE'])
    await fs.cp(at(zt, name), path.join(directories, name), {recursive: true})
  healthy = {data: structuredClone(zt.state.data), directories}
}

export async function forgetHealthy(): Promise<void> {
  if (healthy) await fs.rm(healthy.directories, {recursive: true})
  healthy = undefined
}

/** A program that prints one line, as `ssh -V` on stderr. */
async function program(zt: CommandWorld, name: string, line: string): Promise<void> {
  await fs.mkdir(zt.file('bin'), {recursive: true})
  await fs.writeFile(zt.file(`bin/${name}`), `#!/bin/sh\necho '${line}'\necho '${line}' >&2\n`, {mode: 0o755})
}

const at = (zt: CommandWorld, ...parts: string[]): string => path.join(zt.home, ...parts)
const state = (zt: CommandWorld): string => at(zt, 'STATE', 'zt')

async function write(file: string, text = ''): Promise<void> {
  await fs.mkdir(path.dirname(file), {recursive: true, mode: 0o700})
  await fs.writeFile(file, text, {mode: 0o600})
}

async function oldFile(file: string): Promise<void> {
  await write(file)
  await fs.utimes(file, HOURS_AGO, HOURS_AGO)
}

/** Changes what config.json has, which another fault may have changed before. */
async function config(zt: CommandWorld, profile: JsonObject, more: JsonObject = {}): Promise<void> {
  const {currentProfile, profiles} = await zt.readConfig()
  await zt.writeConfig({currentProfile, profiles: {default: {...profiles['default'], ...profile}}, ...more})
}

const project = (zt: CommandWorld, content: JsonObject): Promise<void> =>
  write(zt.file('.zt.json'), JSON.stringify(content))

/** The first file below a directory of the home. */
async function fileIn(zt: CommandWorld, ...directory: string[]): Promise<string> {
  const below = at(zt, ...directory)
  for (const name of (await fs.readdir(below, {recursive: true})).sort()) {
    const file = path.join(below, name)
    if ((await fs.stat(file)).isFile()) return file
  }
  throw new Error(`nothing is in ${below}`)
}

/** What ssh leaves when it is killed: a socket that no process listens on. */
async function deadSocket(file: string): Promise<void> {
  await fs.mkdir(path.dirname(file), {recursive: true, mode: 0o700})
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(`${file}.x`, resolve))
  // A server that is closed removes its socket by the name that it gave it.
  await fs.rename(`${file}.x`, file)
  await new Promise((resolve) => server.close(resolve))
}

async function notDirectory(kind: string, place: string): Promise<void> {
  if (kind === 'socket') return deadSocket(place)
  if (kind === 'file') return write(place)
  await fs.mkdir(path.dirname(place), {recursive: true, mode: 0o700})
  const target = `${place}-elsewhere`
  if (kind === 'link to a file') await write(target)
  await fs.symlink(target, place)
}

const MACHINE: LocalFault[] = [
  {
    fault: 'NODE_OPTIONS loads other code',
    build: async (zt) => {
      await write(zt.file('agent.cjs'))
      return {NODE_OPTIONS: `--max-old-space-size=512 --require ${zt.file('agent.cjs')}`}
    },
    finds: 'node-options/switch warn',
  },
  ...['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'].flatMap((name): LocalFault[] => [
    {
      fault: `${name} names a file that is not there`,
      build: (zt) => ({[name]: zt.file('missing.pem')}),
      finds: 'node-options/certificates warn',
    },
    {
      fault: `${name} names a file without certificates`,
      build: async (zt) => {
        await write(zt.file('empty.pem'))
        return {[name]: zt.file('empty.pem')}
      },
      finds: 'node-options/certificates warn',
    },
  ]),
  {
    fault: 'certificates are not to be checked',
    build: () => ({NODE_TLS_REJECT_UNAUTHORIZED: '0'}),
    finds: 'settings fail',
  },
  {
    fault: 'the locale is not UTF-8',
    build: () => ({LANG: 'de_DE.ISO-8859-1'}),
    finds: 'terminal/charset warn',
  },
  {fault: 'COLUMNS is too narrow', build: () => ({COLUMNS: '5'}), finds: 'terminal/columns warn'},
  {
    fault: 'a file is where the state directory is to be',
    build: async (zt) => {
      await fs.rm(state(zt), {recursive: true})
      await write(state(zt))
    },
    finds: 'disk/state fail',
  },
  {
    fault: 'a file is where the cache is to be',
    build: async (zt) => {
      await fs.rm(at(zt, 'CACHE', 'zt'), {recursive: true, force: true})
      await write(at(zt, 'CACHE', 'zt'))
    },
    finds: 'disk/cache warn',
  },
]

const INSTALLATION: LocalFault[] = [
  {fault: 'zt is not on PATH', build: (zt) => fs.rm(zt.file('bin/zt')), finds: 'path warn'},
  {
    fault: 'PATH has two different zt',
    build: async (zt) => {
      await write(zt.file('other/zt'), '#!/bin/sh\n')
      await fs.chmod(zt.file('other/zt'), 0o755)
      return {PATH: `${zt.file('bin')}:${zt.file('other')}`}
    },
    finds: 'path/several warn',
  },
  {
    fault: 'the zt on PATH is another installation',
    build: async (zt) => {
      await write(zt.file('other/bin/zt.cjs'))
      await fs.chmod(zt.file('other/bin/zt.cjs'), 0o755)
      await fs.rm(zt.file('bin/zt'))
      await fs.symlink(zt.file('other/bin/zt.cjs'), zt.file('bin/zt'))
    },
    finds: 'path/another warn',
  },
  ...[
    ['bash', 'DATA/bash-completion/completions/zt', '# bash completion for zt\ncomplete -F old zt\n'],
    ['fish', 'CONFIG/fish/completions/zt.fish', '# fish completion for zt\ncomplete -c zt\n'],
    ['zsh', '.zsh/completions/_zt', '#compdef zt\n'],
  ].map(([shell = '', file = '', text = '']): LocalFault => ({
    fault: `the completion of ${shell} is of an older zt`,
    build: (zt) => write(at(zt, file), text),
    finds: `completion/${shell} warn`,
    fixable: true,
  })),
]

const FILES: LocalFault[] = [
  {
    fault: 'others may write to the configuration',
    build: (zt) => fs.chmod(at(zt, 'CONFIG', 'zt', 'config.json'), 0o622),
    finds: 'files/mode fail',
    fixable: true,
  },
  {
    fault: 'others may write to the index',
    build: (zt) => fs.chmod(at(zt, 'DATA', 'zt', 'index'), 0o777),
    finds: 'files/mode fail',
    fixable: true,
  },
  {
    fault: "others may read the vault's identity",
    build: (zt) => fs.chmod(at(zt, 'CONFIG', 'zt', 'identity.txt'), 0o644),
    finds: 'files/mode fail',
    fixable: true,
  },
  {
    fault: 'others may read the vault',
    build: (zt) => fs.chmod(at(zt, 'DATA', 'zt', 'vault'), 0o755),
    finds: 'files/mode fail',
    fixable: true,
  },
  ...(
    [
      ['file', 'DATA', 'index'],
      ['broken link', 'DATA', 'hosts'],
      ['socket', 'DATA', 'journal'],
      ['file', 'DATA', 'vault'],
      ['link to a file', 'STATE', 'undo'],
      ['file', 'STATE', 'setup'],
    ] as const
  ).map(([kind, base, name]): LocalFault => ({
    fault: `a ${kind} is where zt keeps the directory ${name}`,
    build: async (zt) => {
      await fs.rm(at(zt, base, 'zt', name), {recursive: true, force: true})
      await notDirectory(kind, at(zt, base, 'zt', name))
    },
    finds: 'files/kind fail',
  })),
  {
    fault: 'the index of a profile is a file',
    build: async (zt) => {
      await fs.rm(at(zt, 'DATA', 'zt', 'index', 'default'), {recursive: true})
      await write(at(zt, 'DATA', 'zt', 'index', 'default'))
    },
    finds: 'files/kind fail',
  },
  {
    fault: 'an entry of the index is a link',
    build: async (zt) => {
      const file = await fileIn(zt, 'DATA', 'zt', 'index')
      await fs.rename(file, at(zt, 'entry.json'))
      await fs.symlink(at(zt, 'entry.json'), file)
    },
    finds: 'store fail',
  },
  {
    fault: "a file of the index is another user's",
    build: async (zt) => fs.chown(await fileIn(zt, 'DATA', 'zt', 'index'), 65_534, 65_534),
    finds: 'files/owner fail',
    rootOnly: true,
  },
  {
    fault: 'an interrupted write left a file in the state directory',
    build: (zt) => oldFile(at(zt, 'STATE', 'zt', 'undo', `.record.json.${ENDED}.0a1b2c3d`)),
    finds: 'leftovers warn',
    fixable: true,
  },
  {
    fault: 'an interrupted write left a file beside the index',
    build: (zt) => oldFile(at(zt, 'DATA', 'zt', 'index', `.entry.json.${ENDED}.0a1b2c3d`)),
    finds: 'store/temporary-file warn',
    fixable: true,
  },
  {
    fault: 'a process ended with a lock',
    build: (zt) =>
      write(
        at(zt, 'STATE', 'zt', 'locks', `${'ab'.repeat(16)}.1.${ENDED}-0a1b2c3d4e5f`),
        JSON.stringify({...thisProcess(), pid: ENDED}),
      ),
    finds: 'locks warn',
    fixable: true,
  },
]

const SETTINGS: LocalFault[] = [
  {
    fault: 'config.json is not JSON',
    build: (zt) => write(at(zt, 'CONFIG', 'zt', 'config.json'), '{"version": 1,'),
    finds: 'settings fail',
  },
  {
    fault: 'a newer zt wrote config.json',
    build: (zt) => zt.writeConfig({version: 2, profiles: []}),
    finds: 'settings fail',
  },
  {
    fault: 'config.json has a store that does not exist',
    build: (zt) => config(zt, {store: 'safe'}),
    finds: 'settings fail',
  },
  {
    fault: 'the current profile does not exist',
    build: (zt) => config(zt, {}, {currentProfile: 'gone'}),
    finds: 'settings fail',
  },
  {
    fault: 'config.json has a misspelled setting',
    build: (zt) => config(zt, {acountId: 'x'}),
    finds: 'settings/unknown warn',
  },
  {
    fault: 'the CA file of the profile is not there',
    build: (zt) => config(zt, {caFile: zt.file('missing.pem')}),
    finds: 'settings/ca-file fail',
  },
  {
    fault: "the project's file names more than it may",
    build: (zt) => project(zt, {apiUrl: 'https://example.com'}),
    finds: 'settings fail',
  },
  {
    fault: 'the project names a profile that does not exist',
    build: (zt) => project(zt, {profile: 'gone'}),
    finds: 'settings fail',
  },
  {
    fault: 'a variable has a value that it cannot have',
    build: () => ({ZT_PATIENCE: '0'}),
    finds: 'settings fail',
  },
  {
    fault: 'the environment has half of a service token',
    build: () => ({CF_ACCESS_CLIENT_ID: 'ci.access'}),
    finds: 'settings fail',
  },
  {
    fault: 'a variable is misspelled',
    build: () => ({ZT_PROFILES: 'default'}),
    finds: 'environment/unknown warn',
  },
  {
    fault: 'the directory of the caches is given with a ~ that no shell has replaced',
    build: () => ({XDG_CACHE_HOME: '~/.cache'}),
    finds: 'environment/relative warn',
  },
  {
    fault: 'the environment names another account than the profile',
    build: () => ({CLOUDFLARE_ACCOUNT_ID: 'f'.repeat(32)}),
    finds: 'environment/cloudflare-account-id warn',
  },
  {
    fault: 'the environment sends every connection elsewhere',
    build: () => ({ZT_CONNECT_TO: '127.0.0.1:9'}),
    finds: 'environment/zt-connect-to warn',
  },
  {
    fault: 'the environment has hosts for a service token, and no service token',
    build: () => ({ZT_HOSTS: 'build.example.com'}),
    finds: 'environment/hosts-without-pair warn',
  },
  {
    fault: 'the profile has an API token, and the environment another',
    build: async (zt) => {
      await vaultOf(zt).set({kind: 'api-token', id: 'default'}, new Secret(zt.state.apiToken))
    },
    finds: 'environment/cloudflare-api-token warn',
  },
  {
    fault: 'a project chooses a profile whose API is not Cloudflare, and the API token is withheld',
    build: (zt) => project(zt, {profile: 'default'}),
    finds: 'environment/withheld-api-token warn',
  },
]

function vaultOf(zt: CommandWorld): Vault {
  return new Vault({
    directory: at(zt, 'DATA', 'zt', 'vault'),
    identity: {file: at(zt, 'CONFIG', 'zt', 'identity.txt')},
  })
}

const SECRETS: LocalFault[] = [
  {
    fault: 'the identity of the vault is missing',
    build: (zt) => fs.rm(at(zt, 'CONFIG', 'zt', 'identity.txt')),
    finds: 'store/unusable fail',
  },
  {
    fault: 'the vault does not have a secret that the index names',
    build: (zt) => fs.rm(at(zt, 'DATA', 'zt', 'vault'), {recursive: true}),
    finds: 'store/index-without-secret fail',
    fixable: true,
  },
  {
    fault: 'the vault has a secret that the index does not name',
    build: (zt) => fs.rm(at(zt, 'DATA', 'zt', 'index'), {recursive: true}),
    finds: 'store/stray-service-token warn',
    fixable: true,
  },
  {
    fault: 'a host is bound to a service token whose secret is not here',
    byCommands: true,
    build: async (zt) => {
      // It is bound already where there is another token.
      if (zt.state.data.serviceTokens.some(({object}) => object['name'] === 'deploy'))
        await zt.json('app add-rule GitLab --service-auth --token deploy')
      for (const name of ['index', 'vault']) await fs.rm(at(zt, 'DATA', 'zt', name), {recursive: true})
    },
    finds: 'store/binding-without-token fail',
  },
  {
    fault: 'the index has a secret of a profile that does not exist',
    byCommands: true,
    build: async (zt) => {
      const {currentProfile, profiles} = await zt.readConfig()
      await zt.writeConfig({currentProfile, profiles: {...profiles, old: profiles['default'] ?? {}}})
      await zt.json('token create other --profile old')
      await zt.writeConfig({currentProfile, profiles})
    },
    finds: 'store/no-such-profile fail',
  },
  {
    fault: 'the creation of a service token was interrupted',
    build: async (zt) => {
      // Long enough for the API to show what it made.
      const then = HOURS_AGO.toISOString()
      await new Journal(at(zt, 'DATA', 'zt', 'journal')).begin(
        {
          ...{id: randomUUID(), kind: 'create', profile: 'default', store: 'vault', name: 'interrupted'},
          ...{accountId: zt.state.accountId, apiUrl: zt.api.url, startedAt: then, sentAt: then},
        },
        vaultOf(zt),
      )
    },
    finds: 'journal/create fail',
  },
  {
    fault: 'an entry of the journal is damaged',
    build: (zt) => write(at(zt, 'DATA', 'zt', 'journal', `${randomUUID()}.json`), '{}'),
    finds: 'journal/damaged fail',
  },
  ...(
    [
      ['an entry of the journal', ['DATA', 'journal', `${randomUUID()}.json`], 'journal/newer warn'],
      ['an undo record', ['STATE', 'undo', '00abcdefg.json'], 'undo/newer warn'],
      ['the record of a setup', ['STATE', 'setup', `${'ab'.repeat(12)}.json`], 'setup/newer warn'],
      ['an entry of the index', ['DATA', 'index', 'default', 'token-new.json'], 'store fail'],
      ['a bound host', ['DATA', 'hosts', 'default', 'h.example.com.json'], 'store fail'],
    ] as const
  ).map(([what, [base, ...names], finds]): LocalFault => ({
    fault: `a newer zt wrote ${what}`,
    build: (zt) => write(at(zt, base, 'zt', ...names), '{"version": 9}'),
    finds,
    says: /[Aa] newer zt wrote/,
  })),
  {
    fault: 'the record of a setup is damaged',
    build: (zt) => write(at(zt, 'STATE', 'zt', 'setup', `${'ab'.repeat(12)}.json`), '{"version": 1}'),
    finds: 'setup/damaged warn',
  },
  {
    fault: 'an edit was interrupted',
    build: async (zt) => {
      await new UndoRecords(at(zt, 'STATE', 'zt', 'undo')).begin(
        {
          ...{profile: 'default', accountId: zt.state.accountId, at: new Date().toISOString()},
          ...{command: 'zt policy delete CI', changes: []},
        },
        Date.now(),
      )
    },
    finds: 'undo/begun warn',
  },
  {
    fault: 'an undo record is damaged',
    build: (zt) => write(at(zt, 'STATE', 'zt', 'undo', '00abcdefg.json'), '{}'),
    finds: 'undo/damaged warn',
  },
]

const SSH: LocalFault[] = [
  {fault: 'ssh is not installed', build: (zt) => fs.rm(zt.file('bin/ssh')), finds: 'ssh fail'},
  {
    fault: 'ssh is too old',
    build: (zt) => program(zt, 'ssh', 'OpenSSH_7.2p2 Ubuntu-4ubuntu2.10, OpenSSL 1.0.2g'),
    finds: 'ssh/old fail',
  },
  {
    fault: "Windows' own ssh quotes ProxyCommand a second time",
    build: (zt) => program(zt, 'ssh', 'OpenSSH_for_Windows_7.7p1, LibreSSL 2.6.5'),
    finds: 'ssh/old fail',
  },
  {
    fault: 'ssh is another program',
    build: (zt) => program(zt, 'ssh', 'Dropbear v2022.83'),
    finds: 'ssh/other warn',
  },
  ...['/usr/sbin/nologin', '/nonexistent/zsh'].map((shell) => ({
    fault: `ssh cannot start zt by ${shell}`,
    build: () => ({SHELL: shell}),
    finds: 'ssh/shell warn',
  })),
  {
    fault: 'cloudflared is a release that ignores service tokens',
    build: (zt) => program(zt, 'cloudflared', 'cloudflared version 2026.6.0 (built 2026-06-08-1816 UTC)'),
    finds: 'cloudflared/unusable warn',
  },
  {
    fault: "cloudflared is a release that reads the tunnel's configuration",
    build: (zt) => program(zt, 'cloudflared', 'cloudflared version 2021.2.5 (built 2021-02-23-1951 UTC)'),
    finds: 'cloudflared/unusable warn',
  },
  {
    fault: 'CLOUDFLARED does not name a program',
    build: () => ({CLOUDFLARED: '/nowhere/cloudflared'}),
    finds: 'cloudflared/unusable warn',
  },
  {
    fault: 'a forward was killed',
    build: (zt) => write(ownFile(state(zt), 'connection', ENDED), '{}'),
    finds: 'connections/ended warn',
    fixable: true,
  },
  {
    fault: 'an ssh that shared its connection was killed',
    build: async (zt) => {
      const [directory = ''] = sharingDirectories({state: state(zt), home: zt.home})
      await deadSocket(path.join(directory, 'abc'))
    },
    finds: 'connections/socket warn',
    fixable: true,
  },
  {
    fault: 'a forward goes on with a service token whose secret was removed',
    build: async (zt) => {
      started.push(await AnnouncedProcess.start(state(zt), {'127.0.0.1:5432': 'db.widgetcorp.tech'}))
    },
    finds: 'connections/orphan warn',
  },
]

const started: AnnouncedProcess[] = []

/** Ends what a fault started. */
export async function endStarted(): Promise<void> {
  for (const {child, ended} of started.splice(0)) {
    child.kill()
    await ended
  }
}

export const LOCAL_FAULTS: readonly LocalFault[] = [
  ...MACHINE,
  ...INSTALLATION,
  ...FILES,
  ...SETTINGS,
  ...SECRETS,
  ...SSH,
].filter(({rootOnly}) => rootOnly !== true || process.geteuid?.() === 0)
