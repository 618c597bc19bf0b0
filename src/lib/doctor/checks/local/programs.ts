import {UserError} from '../../../core/errors.js'
import {patient} from '../../../core/patience.js'
import {askProgram} from '../../../system/ask-program.js'
import {environmentFor} from '../../../system/child-environment.js'
import {findProgram} from '../../../system/programs.js'
import {requireCloudflared} from '../../../tunnel/cloudflared/run.js'
import {sshNotFound} from '../../../tunnel/ssh/ask-ssh.js'
import {PLAIN_SHELL, shellTrouble} from '../../../tunnel/ssh/shell.js'
import {requireName} from '../../../tunnel/ssh/user-name.js'
import {checkOf} from '../../finding.js'
import type {Check} from '../../types.js'
import {installing, listing, setting, unsetting} from '../../../core/shell-words.js'

const DEADLINE_MS = 10_000

/** `Include`, which zt resolves, and what `ssh -G` prints (openssh.com/txt/release-7.3). */
const OLDEST = [7, 3] as const
/** Windows' own 7.7 adds its own quotes around a ProxyCommand (docs/platforms.md). */
const OLDEST_ON_WINDOWS = [7, 9] as const

const ssh = checkOf(
  {id: 'ssh', area: 'ssh', title: 'ssh', doing: 'Asking ssh for its version', local: true},
  async ({env}, says) => {
    const program = findProgram('ssh', env)
    if (program === undefined) return [says.error(sshNotFound())]
    // Then ssh ends before it says its version.
    const nameless = errorOf(requireName)
    if (nameless) return [says.error(nameless, {state: 'warn', at: 'nameless'})]
    const limits = {env: environmentFor('tool', env), deadlineMs: patient(DEADLINE_MS), maxBytes: 64 * 1024}
    const {end, stdout, stderr} = await askProgram(program, ['-V'], limits)
    if (end === 'late')
      return [
        says.fail(`${program} -V did not answer within ${limits.deadlineMs / 1000} s`, {
          at: 'hangs',
          why: 'It is not OpenSSH itself, or something that it starts waits.',
          next: [listing(program)],
        }),
      ]
    // `ssh -V` prints on stderr.
    const said = end === 'answered' ? `${stderr}\n${stdout}` : ''
    const [version, forWindows, major, minor] =
      /OpenSSH_(for_Windows_)?(\d+)\.(\d+)\S*/.exec(said)?.slice(0) ?? []
    if (version === undefined)
      return [
        says.warn(`${program} does not say that it is OpenSSH`, {
          at: 'other',
          why: 'zt is made for OpenSSH: for what `ssh -G` prints, and for connections that are shared.',
          next: [installing('ssh')],
        }),
      ]
    const [first, second] = forWindows === undefined ? OLDEST : OLDEST_ON_WINDOWS
    if (Number(major) < first || (Number(major) === first && Number(minor) < second))
      return [
        says.fail(`${version} is too old`, {
          at: 'old',
          why: `zt needs OpenSSH ${first}.${second} or newer; this is ${program}.`,
          next: ['Install a newer OpenSSH client'],
        }),
      ]
    const trouble = shellTrouble(env)
    if (trouble !== undefined)
      return [
        says.warn('SHELL names no shell by which ssh could start zt', {
          at: 'shell',
          why: `${trouble}. zt ssh takes ${PLAIN_SHELL} instead; plain ssh, scp and git only say that the connection is closed.`,
          next: [setting('SHELL', PLAIN_SHELL)],
        }),
      ]
    return [says.ok(`${version}, ${program}`)]
  },
)

function errorOf(check: () => void): UserError | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    if (error instanceof UserError) return error
    throw error
  }
}

/** zt has a client of its own, so the lack of cloudflared is no fault, and a bad one only matters where it is asked for. */
const cloudflared = checkOf(
  {
    id: 'cloudflared',
    area: 'ssh',
    title: 'cloudflared',
    doing: 'Asking cloudflared for its version',
    local: true,
  },
  async ({env, paths}, says) => {
    const isNamed = (env['CLOUDFLARED'] ?? '') !== ''
    if (!isNamed && findProgram('cloudflared', env) === undefined)
      return [says.ok('not installed; only --client cloudflared needs it')]
    try {
      return [says.ok(await requireCloudflared(env, paths.cache))]
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      const next = isNamed ? [unsetting(['CLOUDFLARED'])] : []
      return [says.error(error, {state: 'warn', at: 'unusable', next: [...error.next, ...next]})]
    }
  },
)

export const programChecks: readonly Check[] = [ssh, cloudflared]
