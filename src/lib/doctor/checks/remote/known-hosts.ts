import path from 'node:path'
import {filesSync as fs} from '../../../system/disk.js'
import {UserError} from '../../../core/errors.js'
import {patient} from '../../../core/patience.js'
import {quoteForPerson} from '../../../core/quote.js'
import {askProgram} from '../../../system/ask-program.js'
import {environmentFor} from '../../../system/child-environment.js'
import {findProgram} from '../../../system/programs.js'
import {openAccepted} from '../../../tunnel/carrier/open-accepted.js'
import {settingIn, settingsFromSsh} from '../../../tunnel/ssh/ask-ssh.js'
import {defaultSshConfig} from '../../../tunnel/ssh/config-values.js'
import {configWords} from '../../../tunnel/ssh/configuration.js'
import {isNameless} from '../../../tunnel/ssh/user-name.js'
import type {Says} from '../../finding.js'
import type {DoctorWorld, Finding} from '../../types.js'
import type {Facts} from './facts.js'
import type {RemoteCheck} from './finding.js'
import {hostKeyOf} from './host-key.js'

const PATIENCE_MS = 10_000

export const knownHostsCheck: RemoteCheck = {
  ...{id: 'known-hosts', area: 'host', title: 'Host key', doing: "Comparing the server's key", host: true},
  look: knownHosts,
}

interface KnownKey {
  file: string
  type: string
  base64: string
}

/** Whether the SSH server's key is the one that ssh knows: with another one, ssh refuses to connect. */
async function knownHosts(facts: Facts, world: DoctorWorld, says: Says): Promise<Finding[]> {
  const {env, settings, timeoutMs, ctx} = world
  const ssh = findProgram('ssh', env)
  const keygen = findProgram('ssh-keygen', env)
  if (ssh === undefined || keygen === undefined || isNameless())
    return [says.skipped('it needs ssh and ssh-keygen')]
  const made = await facts.connection()
  if (!made || made.failure) return [says.skipped('there is no connection to the server')]
  const host = await facts.host()
  const answer = await settingsFromSsh({ssh, args: [host], file: facts.sshConfig, env})
  if ('failed' in answer) return [says.skipped('ssh does not accept its configuration')]
  const alias = settingIn(answer, 'hostkeyalias')
  const port = settingIn(answer, 'port') ?? '22'
  const name = alias !== undefined && alias !== 'none' ? alias : port === '22' ? host : `[${host}]:${port}`
  const files = [
    settings.knownHostsFile,
    ...['userknownhostsfile', 'globalknownhostsfile'].flatMap(
      (keyword) => configWords(settingIn(answer, keyword) ?? '') ?? [],
    ),
  ].flatMap((file) => (file === undefined || file === 'none' ? [] : [withHome(file)]))
  const known: KnownKey[] = []
  for (const file of files) if (fs.existsSync(file)) known.push(...(await keysFor(keygen, file, name, env)))
  if (known.length === 0) return [says.ok(`ssh does not know a key of ${name} yet`)]
  if (known.some(({type}) => type === 'authority'))
    return [says.ok(`ssh trusts a certificate authority for ${name}`)]
  let key
  try {
    const {tunnel} = await openAccepted(
      {...(await facts.target()), environment: env},
      timeoutMs,
      ctx.clock.now(),
    )
    key = await hostKeyOf(
      tunnel,
      known.map(({type}) => type),
      timeoutMs,
    )
  } catch (error) {
    if (!(error instanceof UserError)) throw error
  }
  if (!key) return [says.skipped('the server showed no key')]
  const {type, base64, fingerprint} = key
  const same = known.filter((one) => one.type === type)
  if (same.some((one) => one.base64 === base64)) return [says.ok('the one that ssh knows')]
  const [other] = same
  if (!other) return [says.ok(`ssh knows other kinds of keys of ${name}`)]
  return [
    says.fail(`The key of ${host} is not the one in ${other.file}`, {
      at: 'changed',
      why: `The server shows ${fingerprint} (${type}): it was set up anew, or another server answers. ssh refuses to connect.`,
      next: [
        `Once whoever runs the server confirms that key: ssh-keygen -R ${quoteForPerson(name)} -f ${quoteForPerson(other.file)}`,
      ],
    }),
  ]
}

/** ssh's home is that of the user database. */
function withHome(file: string): string {
  return file.startsWith('~/')
    ? path.join(path.dirname(path.dirname(defaultSshConfig())), file.slice(2))
    : file
}

/** The keys that a file has for a name, hashed or not (ssh-keygen(1), -F). A revoked one is none. */
async function keysFor(
  keygen: string,
  file: string,
  name: string,
  env: NodeJS.ProcessEnv,
): Promise<KnownKey[]> {
  const limits = {
    env: environmentFor('tool', env),
    deadlineMs: patient(PATIENCE_MS),
    maxBytes: 1024 * 1024,
  }
  const {stdout} = await askProgram(keygen, ['-F', name, '-f', file], limits)
  const lines = stdout.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#'))
  return lines.flatMap((line): KnownKey[] => {
    const words = line.split(/\s+/)
    if (words[0] === '@revoked') return []
    if (words[0] === '@cert-authority') return [{file, type: 'authority', base64: ''}]
    const [, type = '', base64 = ''] = words
    return [{file, type, base64}]
  })
}
