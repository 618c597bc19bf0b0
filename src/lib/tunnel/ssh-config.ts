export interface HostBlockOptions {
  host: string
  user?: string | undefined
  proxyCommand: string
  knownHostsFile?: string | undefined
}

/** A block for ~/.ssh/config, between marks by which it can be found again. */
export function hostBlock({host, user, proxyCommand, knownHostsFile}: HostBlockOptions): string {
  return [
    `# zt: begin ${host}`,
    `Host ${host}`,
    ...(user === undefined ? [] : [`  User ${user}`]),
    `  ProxyCommand ${proxyCommand}`,
    // A tunnel that is idle for some minutes is dropped on the way.
    '  ServerAliveInterval 60',
    ...(knownHostsFile === undefined ? [] : [`  UserKnownHostsFile ${knownHosts(knownHostsFile)}`]),
    `# zt: end ${host}`,
  ].join('\n')
}

/** Our file first, then the usual ones. */
export function knownHosts(file: string): string {
  return `"${file.replaceAll('%', '%%')}" ~/.ssh/known_hosts ~/.ssh/known_hosts2`
}
