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
const ZT =
  /(?:^|[\s/\\"'])zt(?:\.cjs|\.exe)?["']?\s+(?:ssh\s+proxy|access\s+(?:ssh|tcp|rdp|smb))(?:\s([^]*))?$/
/**
 * developers.cloudflare.com, "Connect with SSH through Cloudflare Tunnel"; also in `sh -c '…'`, with a path, and with options
 * before its commands.
 */
const CLOUDFLARED =
  /\bcloudflared(?:\.exe)?["']?\s+(?:--?[a-z-]{2,20}(?:[=\s][\w./-]{1,40})?\s){0,3}(?:access|forward)\s+(?:--?[a-z-]{2,20}\s)?(?:ssh|tcp|rdp|smb|ssh-gen)\s(.*)/

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
  const [ours, given = ''] = ZT.exec(proxyCommand ?? '') ?? []
  if (ours !== undefined)
    return {host: fill(hostOption(given) ?? hostWord(given) ?? hostName), route: 'zt', ...rest}
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

/** The options of `zt ssh proxy` that stand alone (proxy/proxy.ts). */
const ALONE = /^(?:--(?:yes|json|no-input)|-y)$/

/** The argument of `zt ssh proxy`, before or behind its options. */
function hostWord(text: string): string | undefined {
  // In `sh -c '…'` the text ends with a quote that begins before it.
  const words = configWords(text) ?? text.split(/["']/, 1)[0]?.trim().split(/\s+/) ?? []
  const host = words.find((word, at) => {
    const before = words[at - 1] ?? '--yes'
    return !word.startsWith('-') && (!before.startsWith('-') || before.includes('=') || ALONE.test(before))
  })
  return host?.replace(/[|&;<>].*/, '')
}

function withoutNone(value: string | undefined): string | undefined {
  return value === undefined || value.toLowerCase() === 'none' ? undefined : value
}
