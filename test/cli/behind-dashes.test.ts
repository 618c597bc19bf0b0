import {describe, expect, it} from 'vitest'
import Curl from '../../src/commands/curl.js'
import Exec from '../../src/commands/exec.js'
import Forward from '../../src/commands/forward/index.js'
import Ssh from '../../src/commands/ssh/index.js'
import type {BaseCommand} from '../../src/lib/cli/base-command.js'
import {withDashes} from '../../src/lib/cli/behind-dashes.js'
import {curlOption} from '../../src/lib/tunnel/curl/options.js'
import {sshOption} from '../../src/lib/tunnel/ssh/sharing-arguments.js'

const COMMANDS = {
  exec: {of: Exec, optionOf: () => undefined},
  curl: {of: Curl, optionOf: curlOption},
  forward: {of: Forward, optionOf: () => undefined},
  ssh: {of: Ssh, optionOf: sshOption},
}

/** What a command line is read as. */
function read(line: string): string {
  const [command = '', ...words] = line.split(' ')
  const {of, optionOf} = COMMANDS[command as keyof typeof COMMANDS]
  const flags = {...(of as unknown as typeof BaseCommand).baseFlags, ...of.flags}
  return [command, ...withDashes({words, args: of.args, flags, behind: of.behindDashes, optionOf})].join(' ')
}

const URL = 'https://api.example.com/'

describe('a command line without --', () => {
  it.each([
    ['exec ci env', 'exec ci -- env'],
    ['exec ci ls -la --json', 'exec ci -- ls -la --json'],
    ['exec --json ci ./deploy.sh --now --profile x', 'exec --json ci -- ./deploy.sh --now --profile x'],
    ['exec ci --id-var A env', 'exec ci --id-var A -- env'],
    ['exec --profile=a ci env -i', 'exec --profile=a ci -- env -i'],
    // PowerShell has dropped the first one.
    ['exec ci env -- x', 'exec ci -- env -- x'],
    ['ssh h.example.com -v -- ls', 'ssh h.example.com -- -v -- ls'],
    [`curl ${URL} -sS`, `curl ${URL} -- -sS`],
    [`curl -sS ${URL}`, `curl ${URL} -- -sS`],
    [`curl -X POST ${URL}`, `curl ${URL} -- -X POST`],
    [`curl ${URL} -sSo out.html --token ci`, `curl ${URL} --token ci -- -sSo out.html`],
    [`curl --token ci ${URL} -o out.html -y`, `curl --token ci ${URL} -y -- -o out.html`],
    // Both have --json; only curl's takes a value.
    [`curl ${URL} --json {}`, `curl ${URL} -- --json {}`],
    [`curl ${URL} -sS --json`, `curl ${URL} --json -- -sS`],
    [`curl ${URL} -L`, `curl ${URL} -- -L`],
    ['ssh git@h.example.com uptime', 'ssh git@h.example.com -- uptime'],
    ['ssh h.example.com -i key', 'ssh h.example.com -- -i key'],
    ['ssh -p 22 h.example.com df -h', 'ssh h.example.com -- -p 22 df -h'],
    ['ssh -vvv h.example.com --token ci', 'ssh h.example.com --token ci -- -vvv'],
    [
      'ssh h.example.com -L 8080:localhost:80 --no-share -N',
      'ssh h.example.com --no-share -- -L 8080:localhost:80 -N',
    ],
    ['ssh h.example.com -oPort=22 ls --json', 'ssh h.example.com -- -oPort=22 ls --json'],
    ['forward db.example.com psql -h {host}', 'forward db.example.com -- psql -h {host}'],
    ['forward a.example.com:1 b.example.com sh -c x', 'forward a.example.com:1 b.example.com -- sh -c x'],
  ])('zt %s: is read as zt %s', (line, expected) => {
    expect(read(line)).toBe(expected)
  })

  it.each([
    // Nothing is missing.
    'exec ci',
    `curl ${URL} --token ci`,
    'ssh h.example.com --no-share',
    // It has them.
    'exec ci -- env -- x',
    'exec ci -- -- env --json',
    'forward a.example.com b.example.com',
    // No word could be the command, the URL or the host.
    'exec ci --bogus',
    'exec --bogus ci env',
    'ssh -p 22',
    'curl -sS',
    // zt curl makes one request.
    `curl ${URL} https://other.example.com/`,
    // An option of neither.
    `curl ${URL} --tokn ci`,
    'ssh h.example.com --tokn ci',
    'ssh h.example.com -Z',
  ])('zt %s: is read as it is', (line) => {
    expect(read(line)).toBe(line)
  })
})
