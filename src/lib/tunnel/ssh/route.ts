import type {SshRoute} from '../types.js'
import {settingIn, type SshAnswer} from './ask-ssh.js'
import {configWords} from './configuration.js'

/** Where a name leads, by an answer of ssh. */
export interface Meaning {
  /** The host that the connection is for: what the ProxyCommand names, or else HostName. */
  host: string
  hostName: string
  port: number
  user: string | undefined
  route: SshRoute
  proxyCommand: string | undefined
}

/** As zt writes it ({@link import('../proxy/command.js').proxyCommand}), and as a person may: `zt ssh proxy %h`. */
const ZT = /(?:^|[\s/\\"'])zt(?:\.cjs|\.exe)?["']?\s+(?:ssh\s+proxy|access\s+(?:ssh|tcp))\s/
/** developers.cloudflare.com, "Connect with SSH through Cloudflare Tunnel"; also in `sh -c '…'` and with a path. */
const CLOUDFLARED = /\bcloudflared(?:\.exe)?["']?\s+(?:access|forward)\s+(?:ssh|tcp|rdp|smb|ssh-gen)\s(.*)/

/** @param name what ssh was called with */
export function meaningOf(answer: SshAnswer, name: string): Meaning {
  const hostName = settingIn(answer, 'hostname') ?? name
  const port = Number(settingIn(answer, 'port') ?? 22)
  const user = settingIn(answer, 'user')
  const proxyCommand = withoutNone(settingIn(answer, 'proxycommand'))
  const jump = withoutNone(settingIn(answer, 'proxyjump'))
  const fill = (text: string): string =>
    text.replaceAll(/%([%hnpr])/g, (_, of: string) =>
      of === '%' ? '%' : of === 'n' ? name : of === 'p' ? String(port) : of === 'r' ? (user ?? '') : hostName,
    )
  const rest = {hostName, port, user, proxyCommand}
  if (proxyCommand !== undefined && ZT.test(proxyCommand)) {
    const last = configWords(proxyCommand)?.at(-1) ?? hostName
    return {host: fill(hostOption(proxyCommand) ?? last), route: 'zt', ...rest}
  }
  const [whole, options = ''] = CLOUDFLARED.exec(proxyCommand ?? '') ?? []
  if (whole !== undefined) return {host: fill(hostOption(options) ?? hostName), route: 'cloudflared', ...rest}
  return {
    host: hostName,
    route: proxyCommand === undefined && jump === undefined ? 'direct' : 'other',
    ...rest,
  }
}

/** cloudflared's `--hostname HOST`, `--hostname=HOST`, `-T HOST` or `--tunnel-host HOST`; one dash will do for all. */
function hostOption(options: string): string | undefined {
  return /(?:^|\s)--?(?:hostname|tunnel-host|T)[\s=]+["']?(?:https?:\/\/)?([^\s"'/:;]+)/.exec(options)?.[1]
}

function withoutNone(value: string | undefined): string | undefined {
  return value === undefined || value.toLowerCase() === 'none' ? undefined : value
}
