import {ztCommand} from '../../core/command-line.js'

/** What may be behind a host, as far as Access knows. */
export interface Service {
  /** A host name, or a pattern with `*` as Access has it; also with a path. */
  host: string
  /** The application's type; undefined where no application was read. */
  type?: string | undefined
}

/** What connects to a service of this kind. */
export type ServiceKind = 'ssh' | 'http' | 'tcp'

/** The types of application that say what is behind them. A self-hosted one may be anything. */
const BY_TYPE: Readonly<Record<string, ServiceKind>> = {
  ssh: 'ssh',
  vnc: 'tcp',
  rdp: 'tcp',
  mcp: 'http',
  mcp_portal: 'http',
}

/**
 * What is behind a host: by the application's type; HTTP if there is a path; SSH if the host is named so
 * (`gitlab-ssh.example.com`).
 *
 * @returns undefined if nothing says
 */
export function serviceKind({host, type = ''}: Service): ServiceKind | undefined {
  if (Object.hasOwn(BY_TYPE, type)) return BY_TYPE[type]
  if (host.includes('/')) return 'http'
  return /(^|[.-])ssh([.-]|$)/i.test(host) ? 'ssh' : undefined
}

/** The command that connects to one service of a known kind: SSH by `[USER@]HOST`, HTTP by its URL, TCP by its host. */
export function connectCommand(
  ctx: {profile: string; profileNamed: boolean},
  kind: ServiceKind,
  to: string,
): string {
  const command = {ssh: 'ssh', http: 'curl', tcp: 'forward'}[kind]
  return ztCommand(ctx, command, to)
}

/**
 * Commands that connect to a host, each of which can be run as it is. Several, with what each is for, if nothing says what
 * is behind the host. Every suggestion to connect comes from here.
 *
 * @returns empty if none can be written: to one of many hosts with HTTP or TCP
 */
export function connectSuggestion(ctx: {profile: string; profileNamed: boolean}, service: Service): string[] {
  const [host = '', ...path] = service.host.split('/')
  const pattern = host.includes('*')
  // Up to a `*`.
  const url = `https://${host}/${path.join('/').replace(/\*.*/s, '')}`
  const commands: Record<ServiceKind, string | undefined> = {
    ssh: pattern
      ? ztCommand(ctx, 'ssh', 'config', host, '--write')
      : // A word without a dot would be read as a command.
        connectCommand(ctx, 'ssh', host),
    http: pattern ? undefined : connectCommand(ctx, 'http', url),
    tcp: pattern ? undefined : connectCommand(ctx, 'tcp', host),
  }
  const kind = serviceKind(service)
  if (kind) return [commands[kind]].filter((command) => command !== undefined)
  return [
    ['If it is an SSH server', commands.ssh],
    ['If it is a web service', commands.http],
    ['If it is another TCP service', commands.tcp],
  ].flatMap(([what, command]) => (command === undefined ? [] : [`${what ?? ''}: ${command}`]))
}
