import {describe, expect, it} from 'vitest'
import Curl from '../../src/commands/curl.js'
import Exec from '../../src/commands/exec.js'
import Ssh from '../../src/commands/ssh/index.js'
import type {BaseCommand} from '../../src/lib/cli/base-command.js'
import {withDashes} from '../../src/lib/cli/behind-dashes.js'
import {curlOption} from '../../src/lib/tunnel/curl/options.js'
import {sshOption} from '../../src/lib/tunnel/ssh/sharing-arguments.js'

const COMMANDS = {
  exec: {of: Exec, optionOf: () => undefined},
  curl: {of: Curl, optionOf: curlOption},
  ssh: {of: Ssh, optionOf: sshOption},
}

/** What is suggested for a command line; its words are separated by blanks, unless it is a list. */
function suggested(line: string | string[]): string | undefined {
  const [command, ...words] = typeof line === 'string' ? line.split(' ') : line
  const {of, optionOf} = COMMANDS[command as keyof typeof COMMANDS]
  const flags = {...(of as unknown as typeof BaseCommand).baseFlags, ...of.flags}
  return withDashes({command: command ?? '', words, args: of.args, flags, behind: of.behindDashes, optionOf})
}

const URL = 'https://api.example.com/'

describe('a command line without --', () => {
  it.each([
    ['exec ci env', 'exec ci -- env'],
    ['exec ci ls -la --json', 'exec ci -- ls -la --json'],
    ['exec --json ci ./deploy.sh --now --profile x', 'exec --json ci -- ./deploy.sh --now --profile x'],
    ['exec ci --id-var A env', 'exec ci --id-var A -- env'],
    ['exec --profile=a ci env -i', 'exec --profile=a ci -- env -i'],
    [['exec', 'ci', 'sh', '-c', 'echo "$1"', "it's"], `exec ci -- sh -c 'echo "$1"' 'it'\\''s'`],
    [`curl ${URL} -sS`, `curl ${URL} -- -sS`],
    [`curl -sS ${URL}`, `curl ${URL} -- -sS`],
    [`curl -X POST ${URL}`, `curl ${URL} -- -X POST`],
    [`curl ${URL} -sSo out.html --token ci`, `curl ${URL} --token ci -- -sSo out.html`],
    [`curl --token ci ${URL} -o out.html -y`, `curl --token ci ${URL} -y -- -o out.html`],
    // Both have --json; only curl's takes a value.
    [`curl ${URL} --json {}`, `curl ${URL} -- --json '{}'`],
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
  ])('zt %s: zt %s', (line, expected) => {
    expect(suggested(line)).toBe(`zt ${expected}`)
  })

  it.each([
    // Nothing is missing.
    'exec ci',
    `curl ${URL} --token ci`,
    'ssh h.example.com --no-share',
    // It has them, and something else is wrong.
    'exec ci env -- x',
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
  ])('zt %s: no suggestion', (line) => {
    expect(suggested(line)).toBeUndefined()
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
