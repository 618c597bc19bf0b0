import {expect, it} from 'vitest'
import {meaningOf} from '../../../src/lib/tunnel/ssh/route.js'

const H = 'git.example.com'
const answer = (lines: string[]) => ({
  settings: ['host gl', `hostname ${H}`, ...lines, ''].join('\n'),
  execs: [],
})

it.each<[proxyCommand: string, route: string, host: string]>([
  ['cloudflared access ssh --hostname %h', 'cloudflared', H],
  ['/usr/local/bin/cloudflared access ssh --hostname %h', 'cloudflared', H],
  ['"C:\\Program Files (x86)\\cloudflared\\cloudflared.exe" access ssh --hostname %h', 'cloudflared', H],
  ["'/Applications/x y/cloudflared' access ssh --hostname %h", 'cloudflared', H],
  [
    'cloudflared --loglevel debug access --fedramp ssh --hostname other.example.com',
    'cloudflared',
    'other.example.com',
  ],
  ['cloudflared access ssh -T other.example.com --logfile tcp x', 'cloudflared', 'other.example.com'],
  ['cloudflared tunnel run access-ssh', 'other', H],
  ['cloudflared access tcp --hostname=other.example.com', 'cloudflared', 'other.example.com'],
  ['cloudflared access ssh -T other.example.com --id a.access', 'cloudflared', 'other.example.com'],
  ['cloudflared access ssh --hostname https://other.example.com/', 'cloudflared', 'other.example.com'],
  ['cloudflared access ssh --hostname %n.example.com', 'cloudflared', 'gl.example.com'],
  ['cloudflared access ssh --hostname %%h', 'cloudflared', '%h'],
  ['cloudflared access ssh --destination 10.0.0.1:22', 'cloudflared', H],
  ['sh -c "cloudflared access ssh --hostname %h 2>/dev/null"', 'cloudflared', H],
  [
    "bash -c '/usr/bin/cloudflared access ssh-gen --hostname %h; ssh -tt %r@cfpipe-x >&2 <&1'",
    'cloudflared',
    H,
  ],
  [
    '/usr/bin/node --use-openssl-ca /opt/zt/bin/zt.cjs ssh proxy --profile default real.example.com',
    'zt',
    'real.example.com',
  ],
  ['zt ssh proxy %h', 'zt', H],
  ['"C:/zt/zt.exe" ssh proxy --profile default %h', 'zt', H],
  ['zt ssh proxy real.example.com --profile work', 'zt', 'real.example.com'],
  ['zt ssh proxy --yes --token=ci --header "X: y z" %h 2>/dev/null', 'zt', H],
  ['zt ssh proxy %n.example.com || nc %h %p', 'zt', 'gl.example.com'],
  ["sh -c 'exec zt ssh proxy --profile work real.example.com'", 'zt', 'real.example.com'],
  ['zt access ssh --hostname other.example.com', 'zt', 'other.example.com'],
  ['zt access rdp -T other.example.com --log-level info', 'zt', 'other.example.com'],
  ['nc %h %p', 'other', H],
  ['ssh -W %h:%p bastion', 'other', H],
  ['/opt/notzt ssh proxy %h', 'other', H],
])('the ProxyCommand %s leads through %s to %s', (proxyCommand, route, host) => {
  expect(meaningOf(answer([`proxycommand ${proxyCommand}`]), 'gl')).toMatchObject({route, host})
})

it.each<[lines: string[], route: string]>([
  [[], 'direct'],
  [['proxycommand none'], 'direct'],
  [['proxyjump bastion'], 'other'],
  [['proxyjump none'], 'direct'],
])('without one, %j is reached %s', (lines, route) => {
  expect(meaningOf(answer(lines), 'gl')).toMatchObject({route, host: H})
})

it('user and port are those of the answer', () => {
  expect(meaningOf(answer(['user git', 'port 2222']), 'gl')).toMatchObject({user: 'git', port: 2222})
})
