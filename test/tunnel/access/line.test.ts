import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {quickProxyLine} from '../../../src/lib/tunnel/access/quick.js'
import {readConfigLine, readCurlLine, readTunnelLine} from '../../../src/lib/tunnel/access/line.js'
import {UserError} from '../../../src/lib/core/errors.js'
import {errorLines} from '../../../src/lib/core/error-text.js'

const HOST = 'gitlab-ssh.widgetcorp.tech'
const SECRET = 'cfast_Hj4gLf6aEu5pDq7nWk3vYt9sXb2mZc8rTq1oVd0eRi5wKs7b'
const split = (line: string): string[] => line.split(' ').filter((word) => word !== '')

function failure(work: () => unknown): UserError {
  try {
    work()
  } catch (error) {
    if (error instanceof UserError) return error
    throw error
  }
  throw new Error('nothing failed')
}

describe('a command line of cloudflared access ssh, tcp, rdp or smb', () => {
  // cloudflared's own help, its documentation for arbitrary TCP, RDP, SMB, SSH and kubectl, and public scripts and images.
  it.each<[line: string, env: Record<string, string>, command: string, words: string]>([
    [`--hostname ${HOST}`, {}, 'ssh:proxy', HOST],
    [`--hostname=${HOST}`, {}, 'ssh:proxy', HOST],
    [`-hostname ${HOST}`, {}, 'ssh:proxy', HOST],
    [`-hostname=${HOST}`, {}, 'ssh:proxy', HOST],
    [`--tunnel-host ${HOST}`, {}, 'ssh:proxy', HOST],
    [`-T ${HOST}`, {}, 'ssh:proxy', HOST],
    [`--T=${HOST}`, {}, 'ssh:proxy', HOST],
    [`--hostname first.example --hostname ${HOST}`, {}, 'ssh:proxy', HOST],
    [`--hostname https://${HOST}`, {}, 'ssh:proxy', HOST],
    [`--hostname http://${HOST}/`, {}, 'ssh:proxy', HOST],
    [`--hostname ${HOST.toUpperCase()}:443`, {}, 'ssh:proxy', HOST],
    ['', {TUNNEL_SERVICE_HOSTNAME: HOST}, 'ssh:proxy', HOST],
    [`-T ${HOST}`, {TUNNEL_SERVICE_HOSTNAME: 'other.example'}, 'ssh:proxy', HOST],
    [`-T ${HOST}`, {TUNNEL_SERVICE_URL: '', TUNNEL_SERVICE_DESTINATION: ''}, 'ssh:proxy', HOST],
    [`-T ${HOST} --destination 10.0.0.7:22`, {}, 'ssh:proxy', `${HOST} --destination=10.0.0.7:22`],
    [`-T ${HOST} --destination ssh://db:5432/x`, {}, 'ssh:proxy', `${HOST} --destination=db:5432`],
    [`-T ${HOST}`, {TUNNEL_SERVICE_DESTINATION: 'db:22'}, 'ssh:proxy', `${HOST} --destination=db:22`],
    [`-T ${HOST} --destination a:1`, {TUNNEL_SERVICE_DESTINATION: 'b:2'}, 'ssh:proxy', `${HOST} --destination=a:1`],
    [`-T ${HOST} -H X-A:1 --header=X-B:-2`, {}, 'ssh:proxy', `${HOST} --header=X-A:1 --header=X-B:-2`],
    [`-T ${HOST} -H User-Agent:mine`, {}, 'ssh:proxy', HOST],
    [`-T ${HOST} --connect-to 127.0.0.1`, {}, 'ssh:proxy', `${HOST} --connect-to=127.0.0.1:443`],
    [`-T ${HOST} --connect-to localhost:8443`, {}, 'ssh:proxy', `${HOST} --connect-to=localhost:8443`],
    [`-T ${HOST} --connect-to ${HOST}:8443:localhost`, {}, 'ssh:proxy', `${HOST} --connect-to=localhost:8443`],
    [`-T ${HOST} --log-level debug --loglevel=info`, {}, 'ssh:proxy', HOST],
    [`-T ${HOST} --token ci -y --profile=lab --no-input`, {}, 'ssh:proxy', `${HOST} --token=ci --yes --profile=lab --no-input`],
    [`-T ${HOST} --yes=false --expose`, {}, 'ssh:proxy', HOST],
    [`-T ${HOST}`, {TUNNEL_SERVICE_TOKEN_ID: 'a.access', TUNNEL_SERVICE_TOKEN_SECRET: SECRET}, 'ssh:proxy', `${HOST} --token=env --yes`],
    [`-T ${HOST}`, {TUNNEL_SERVICE_TOKEN_ID: 'a.access', ZT_HOSTS: 'b.example'}, 'ssh:proxy', `${HOST} --token=env`],
    [`-T ${HOST} --token ci`, {TUNNEL_SERVICE_TOKEN_ID: 'a.access'}, 'ssh:proxy', `${HOST} --token=ci`],
    [`--hostname ${HOST} --url localhost:9210`, {}, 'forward', `${HOST} --listen=127.0.0.1:9210 --keep`],
    [`--hostname ${HOST} --url 127.0.0.1:1234`, {}, 'forward', `${HOST} --listen=127.0.0.1:1234 --keep`],
    [`--hostname ${HOST} --url rdp://localhost:3389`, {}, 'forward', `${HOST} --listen=127.0.0.1:3389 --keep`],
    [`--hostname ${HOST} --url tcp://localhost:7001/`, {}, 'forward', `${HOST} --listen=127.0.0.1:7001 --keep`],
    [`--hostname ${HOST} --url [::1]:7001`, {}, 'forward', `${HOST} --listen=[::1]:7001 --keep`],
    [`--url tcp://localhost:7001 --hostname ${HOST}`, {}, 'forward', `${HOST} --listen=127.0.0.1:7001 --keep`],
    [`--hostname ${HOST} --listener localhost:8445`, {}, 'forward', `${HOST} --listen=127.0.0.1:8445 --keep`],
    [`-T ${HOST} -L localhost:2222`, {}, 'forward', `${HOST} --listen=127.0.0.1:2222 --keep`],
    [`-T ${HOST} localhost:2222`, {}, 'forward', `${HOST} --listen=127.0.0.1:2222 --keep`],
    [`localhost:2222 -T ${HOST}`, {}, 'forward', `${HOST} --listen=127.0.0.1:2222 --keep`],
    [`-T ${HOST}`, {TUNNEL_SERVICE_URL: 'localhost:22'}, 'forward', `${HOST} --listen=127.0.0.1:22 --keep`],
    [`-T ${HOST} -L 0.0.0.0:22 --expose`, {}, 'forward', `${HOST} --listen=0.0.0.0:22 --keep --expose`],
    [`-T ${HOST} -L :22 --destination db:22`, {}, 'error', 'BAD_LISTEN'],
    [`-T ${HOST} -L 1:22 -H X:y --ca-file f`, {}, 'error', 'BAD_LISTEN'],
    [`-T ${HOST} -L 22 --destination db:22 -H X:y`, {}, 'forward', `${HOST} --listen=127.0.0.1:22 --keep --destination=db:22 --header=X:y`],
    ['', {}, 'error', 'BAD_COMMAND_LINE'],
    ['--hostname', {}, 'error', 'BAD_COMMAND_LINE'],
    [`-T ${HOST} a:1 b:2`, {}, 'error', 'BAD_COMMAND_LINE'],
    [`-T ${HOST} --url a:1 b:2`, {}, 'error', 'BAD_COMMAND_LINE'],
    [`-T ${HOST} --yes=perhaps`, {}, 'error', 'BAD_COMMAND_LINE'],
    [`-T ${HOST} --nothing`, {}, 'error', 'BAD_COMMAND_LINE'],
    [`-T ${HOST} ---url=x`, {}, 'error', 'BAD_COMMAND_LINE'],
    [`-T ${HOST}/path`, {}, 'error', 'BAD_HOSTNAME'],
    ['-T 127.0.0.1', {}, 'error', 'BAD_HOSTNAME'],
    [`-T ${HOST} --connect-to other.example:8443:localhost`, {}, 'error', 'BAD_CONNECT_TO'],
    [`-T ${HOST} --connect-to ${HOST}:1:2:3`, {}, 'error', 'BAD_CONNECT_TO'],
    [`-T ${HOST} --header Authorization:${SECRET}`, {}, 'error', 'SECRET_ON_COMMAND_LINE'],
  ])('%s with %j is %s %s', (line, env, command, words) => {
    if (command === 'error') {
      expect(failure(() => readTunnelLine(split(line), env)).code).toBe(words)
    } else {
      expect(readTunnelLine(split(line), env)).toMatchObject({command, words: split(words)})
    }
  }) // prettier-ignore

  it('takes an empty value, and skips an empty header', () => {
    expect(readTunnelLine(['-T', HOST, '-H', '', '--connect-to', '', '--destination='], {}).words).toEqual([
      HOST,
    ])
  })

  it.each([
    ['--logfile', '/tmp/log'],
    ['--log-directory', '/tmp'],
    ['--debug-stream', '10'],
  ])('says that %s has no effect', (option, value) => {
    const {words, notes} = readTunnelLine(['-T', HOST, option, value, `${option}=${value}`], {})
    expect(words).toEqual([HOST])
    expect(notes).toEqual([expect.stringContaining(option)])
  })

  it('says nothing of what changes nothing', () => {
    expect(readTunnelLine(['-T', HOST, '--log-level', 'debug'], {}).notes).toEqual([])
  })

  it('names the options there are for one that there is not, and not its value', () => {
    const error = failure(() => readTunnelLine(['-T', HOST, '--metrics=x'], {}))
    expect(error.message).toBe('There is no option --metrics here')
    expect(error.why).toMatch(/--hostname, --destination, --url/)
    expect(error.next).toEqual(['zt access ssh --help'])
  })

  it('is read at once where it carries stdin, and left to the full command elsewhere', () => {
    expect(quickProxyLine(['-T', HOST], {})?.words).toEqual([HOST])
    expect(quickProxyLine(['-T', HOST, '-L', '22'], {})).toBeUndefined()
    expect(quickProxyLine(['-T', HOST, '--id', 'x'], {})).toBeUndefined()
  })
})

describe('credentials on the command line', () => {
  const given: string[][] = [
    ['--id', 'a.access', '--secret', SECRET],
    [`--id=a.access`, `--secret=${SECRET}`],
    ['-id', 'a.access', '-secret', 'short'],
    ['--service-token-id', 'a.access'],
    ['--service-token-secret', SECRET],
    [`-service-token-secret=short`],
    ['--header', `CF-Access-Client-Secret: short`],
    ['-H', 'cf-access-client-id: a.access'],
    [`--header=Cf-Access-Client-Secret:${SECRET}`],
    ['-H', `cf_access_token: ${SECRET}`],
    ['--id', '--secret', SECRET],
    ['--secret'],
  ]
  it.each(given)('are refused with the variables to use instead: %s %s %s %s', (...words) => {
    const ofThis = words.filter((word) => typeof word === 'string')
    for (const line of [
      ['--hostname', HOST, ...ofThis],
      [...ofThis, '--hostname', HOST],
    ]) {
      const error = failure(() => readTunnelLine(line, {}))
      expect(error.code).toBe('CREDENTIALS_ON_COMMAND_LINE')
      const said = errorLines(error).join('\n')
      expect(said).toMatch(/TUNNEL_SERVICE_TOKEN_ID and TUNNEL_SERVICE_TOKEN_SECRET/)
      expect(said).not.toMatch(/cfast_|a\.access|short/)
    }
    expect(failure(() => readTunnelLine(['-T', HOST, ...ofThis], {})).next[0]).toContain(
      `zt access ssh --hostname ${HOST}`,
    )
  })

  it('are not repeated, wherever the words are', () => {
    const word = fc.constantFrom(
      '--id',
      '--secret',
      SECRET,
      `--secret=${SECRET}`,
      '-T',
      HOST,
      '--',
      `--${SECRET}`,
      '--url',
      '=',
      '-',
    )
    fc.assert(
      fc.property(fc.array(word, {maxLength: 8}), (words) => {
        let said = ''
        try {
          said = JSON.stringify(readTunnelLine(words, {}))
        } catch (error) {
          said = errorLines(error).join('\n')
        }
        expect(said).not.toContain(SECRET)
      }),
    )
  })
})

describe('a command line of cloudflared access curl', () => {
  it.each([
    [['https://a.example/'], ['https://a.example/', '--']],
    [
      ['--allow-request', 'https://a.example/', '-s'],
      ['https://a.example/', '--', '-s'],
    ],
    [
      ['-ar', 'https://a.example/'],
      ['https://a.example/', '--'],
    ],
    [
      ['https://a.example/', '--', '-s'],
      ['https://a.example/', '--', '-s'],
    ],
    [
      [
        '--connect-to',
        'h:1',
        '--token',
        'ci',
        '--yes',
        'https://a.example/',
        '--connect-to',
        'x',
        '--json',
        '{}',
      ],
      [
        'https://a.example/',
        '--connect-to=h:1',
        '--token=ci',
        '--yes',
        '--',
        '--connect-to',
        'x',
        '--json',
        '{}',
      ],
    ],
    // A body is the request's own.
    [
      ['https://a.example/', '-d', SECRET],
      ['https://a.example/', '--', '-d', SECRET],
    ],
  ])('%j is curl %j', (line, words) => {
    expect(readCurlLine(line)).toMatchObject({command: 'curl', words, notes: []})
  })

  it.each([
    [[], 'BAD_COMMAND_LINE'],
    [['-s', 'https://a.example/'], 'BAD_COMMAND_LINE'],
    [['--token', SECRET, 'https://a.example/'], 'SECRET_ON_COMMAND_LINE'],
  ])('%j fails with %s', (line, code) => {
    expect(failure(() => readCurlLine(line)).code).toBe(code)
  })
})

describe('a command line of cloudflared access ssh-config', () => {
  it('is ssh config, and says what zt does not make', () => {
    expect(readConfigLine(['--hostname', HOST])).toMatchObject({
      command: 'ssh:config',
      words: [HOST],
      notes: [],
    })
    const {words, notes} = readConfigLine(['--short-lived-cert', '-hostname', HOST, '--profile', 'lab'])
    expect(words).toEqual([HOST, '--profile=lab'])
    expect(notes).toEqual([expect.stringContaining('no short-lived certificates')])
    expect(readConfigLine(['--short-lived-cert=false', '-hostname', HOST]).notes).toEqual([])
  })

  it.each([
    [[], 'BAD_COMMAND_LINE'],
    [['--hostname', HOST, 'more'], 'BAD_COMMAND_LINE'],
    [['--hostname', HOST, '--write'], 'BAD_COMMAND_LINE'],
    [['--hostname', SECRET], 'SECRET_ON_COMMAND_LINE'],
  ])('%j fails with %s', (line, code) => {
    expect(failure(() => readConfigLine(line)).code).toBe(code)
  })
})
