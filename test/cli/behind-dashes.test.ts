import {describe, expect, it} from 'vitest'
import Curl from '../../src/commands/curl.js'
import Exec from '../../src/commands/exec.js'
import Forward from '../../src/commands/forward/index.js'
import Ssh from '../../src/commands/ssh/index.js'
import type {BaseCommand} from '../../src/lib/cli/base-command.js'
import {correctedLine, withDashes, type CommandLine} from '../../src/lib/cli/behind-dashes.js'
import {curlOption} from '../../src/lib/tunnel/curl/options.js'
import {sshOption} from '../../src/lib/tunnel/ssh/sharing-arguments.js'

const COMMANDS = {
  exec: {of: Exec, optionOf: () => undefined},
  curl: {of: Curl, optionOf: curlOption},
  forward: {of: Forward, optionOf: () => undefined},
  ssh: {of: Ssh, optionOf: sshOption},
}

/** The words of a command line are separated by blanks, unless it is a list. */
function parts(line: string | readonly string[]): [command: string, line: CommandLine] {
  const [command = '', ...words] = typeof line === 'string' ? line.split(' ') : line
  const {of, optionOf} = COMMANDS[command as keyof typeof COMMANDS]
  const flags = {...(of as unknown as typeof BaseCommand).baseFlags, ...of.flags}
  return [command, {words, args: of.args, flags, behind: of.behindDashes, optionOf}]
}

/** What a command line is read as on Windows. */
function read(line: string): string {
  const [command, words] = parts(line)
  return [command, ...withDashes(words)].join(' ')
}

const suggested = (line: string | readonly string[]): string | undefined => correctedLine(...parts(line))

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
    ...[
      ...['psql.exe', 'Run.CMD', 'old.bat', '.\\run', 'C:\\bin\\psql.com', 'c:/bin/psql.com'],
      './run.sh',
      '/bin/x.sh',
    ].map((program) => [
      `forward db.example.com ${program} -h {host}`,
      `forward db.example.com -- ${program} -h {host}`,
    ]),
  ])('zt %s: is read as zt %s, or that is suggested', (line, expected) => {
    expect(read(line)).toBe(expected)
    if (line.includes(' -- ')) expect(suggested(line)).toBeUndefined()
    else expect(suggested(line)?.replaceAll("'", '')).toBe(`zt ${expected}`)
  })

  it.each([
    // Nothing is missing.
    'exec ci',
    `curl ${URL} --token ci`,
    'ssh h.example.com --no-share',
    // It has them.
    'exec ci -- env -- x',
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
  ])('zt %s: is read as it is, and nothing is suggested', (line) => {
    expect(read(line)).toBe(line)
    expect(suggested(line)).toBeUndefined()
  })

  it('is quoted in the suggestion', () => {
    expect(suggested(['exec', 'ci', 'sh', '-c', 'echo "$1"', "it's"])).toBe(
      `zt exec ci -- sh -c 'echo "$1"' 'it'\\''s'`,
    )
  })

  it('may have two on Windows, of which PowerShell drops one', () => {
    expect(read('exec ci -- -- env --json')).toBe('exec ci -- env --json')
    expect(read('exec ci -- env -- --')).toBe('exec ci -- env -- --')
  })

  it.each([
    [`curl ${URL} -u admin:hunter2`, 'hunter2', `zt curl ${URL} -- CURL-OPTION`],
    [['curl', URL, '-H', 'X-Api-Key: hunter2'], 'hunter2', `zt curl ${URL} -- CURL-OPTION`],
    [['curl', URL, '-d', 'password=hunter2'], 'hunter2', `zt curl ${URL} -- CURL-OPTION`],
    ['exec ci env DB_PASSWORD=hunter2 ./x', 'hunter2', 'zt exec ci -- COMMAND'],
    ['exec ci mysql --password hunter2', 'hunter2', 'zt exec ci -- COMMAND'],
    [`exec ci echo ${'Zx9'.repeat(14)}`, 'Zx9', 'zt exec ci -- COMMAND'],
  ])('does not repeat what may be a secret: %j', (line, secret, expected) => {
    expect(suggested(line)).toBe(expected)
    expect(suggested(line)).not.toContain(secret)
  })
})
