import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {wantedAt, type Wanted} from '../../src/lib/completion/wanted.js'
import {manifest, topics, words} from '../support/manifest.js'

/** The last word is the one at the cursor. */
function at(line: string): Wanted {
  const typed = line.split(' ')
  return wantedAt(words, typed.slice(0, -1), typed.at(-1) ?? '')
}
const offered = (line: string): string[] => at(line).words.map(({value}) => value)

describe('what is wanted at the cursor', () => {
  it.each([
    ['token show ', 'token'],
    ['token rename ci ', 'none'],
    ['token show ci ', 'none'],
    ['token show --json ', 'token'],
    ['token list -L 5 --name ', 'token'],
    ['app add-rule ', 'application'],
    ['app add-rule GitLab --token ', 'token'],
    ['app add-rule GitLab --token ci --require-group ', 'group'],
    ['app add-rule --token ci ', 'application'],
    ['policy attach ', 'policy'],
    ['policy attach x ', 'application'],
    ['group add-token ', 'group'],
    ['group add-token x ', 'token'],
    ['exec ', 'stored-token'],
    ['exec ci -- ', 'other'],
    // Without it, as PowerShell passes it on.
    ['exec ci env ', 'other'],
    ['exec ci env --js', 'other'],
    ['ssh h.example.com uptime -', 'other'],
    ['forward a.example.com psql -', 'other'],
    ['exec ci -- --tok', 'other'],
    ['ssh ', 'destination'],
    ['ssh git@', 'destination'],
    ['ssh host ', 'none'],
    ['ssh host -- ', 'other'],
    ['ssh host --token ', 'stored-token'],
    ['ssh config ', 'destination'],
    ['ssh check ', 'host'],
    ['forward ', 'host'],
    ['forward a.example --listen 5432 ', 'host'],
    ['forward a.example b.example ', 'host'],
    ['forward a.example -- ', 'other'],
    ['forward stop ', 'host'],
    ['forward stop a.example ', 'none'],
    ['curl ', 'url'],
    ['store use ', 'store'],
    ['store move vault --from ', 'store'],
    ['profile use ', 'profile'],
    ['--profile ', 'profile'],
    ['--profile mine token show ', 'token'],
    ['--profile=mine --json token show ', 'token'],
    ['token show --account ', 'account'],
    ['login --ca-file ', 'file'],
    ['no such thing ', 'none'],
    ['token no-such-thing ', 'none'],
  ])('behind "zt %s" is of the kind %s', (line, kind) => {
    expect(at(line).kind).toBe(kind)
  })

  it.each([
    ['app add-rule GitLab --token=', '--token=', 'token'],
    ['app add-rule GitLab --token=c', '--token=', 'token'],
    ['app add-rule GitLab --no-such=', '', 'none'],
    ['app add-rule GitLab --yes=', '', 'none'],
    ['--profile=', '--profile=', 'profile'],
    ['login --ca-file=/', '--ca-file=', 'file'],
  ])('in "zt %s" follows "%s" and is of the kind %s', (line, prefix, kind) => {
    expect(at(line)).toMatchObject({prefix, kind})
  })

  it.each([
    ['', ['app', 'token', 'ssh', 'completion', 'whoami']],
    ['--profile mine ', ['app', 'token']],
    ['token ', ['create', 'list', 'show']],
    ['ssh ', ['check', 'config']],
    ['help ', ['token', 'environment', 'exit-codes']],
    ['help token ', ['create', 'list']],
    ['ssh host --client ', ['auto', 'builtin', 'cloudflared']],
    ['completion ', ['bash', 'zsh', 'fish']],
    ['token list --', ['--json', '--profile', '--limit', '--help']],
    ['token list -', ['--limit', '-L']],
    ['app set x --', ['--service-auth-401', '--no-service-auth-401']],
    ['app add-rule x --token a --', ['--token']],
    ['--', ['--profile', '--help', '--version']],
  ])('behind "zt %s" can be %j', (line, some) => {
    expect(offered(line)).toEqual(expect.arrayContaining(some))
  })

  it.each([
    ['token list --limit 5 --', ['--limit', '-L']],
    ['token list -L 5 --', ['--limit', '-L']],
    ['token list --limit=5 -', ['--limit', '-L']],
    ['app set x --no-service-auth-401 --', ['--service-auth-401', '--no-service-auth-401']],
    ['app remove-rule x y --token a --', ['--delete']],
    ['app remove-rule x y --delete --', ['--token']],
    ['policy list --', ['--zone']],
    ['token list --', ['-L', '--version']],
    ['ssh host ', ['check', 'config']],
    ['token ', ['token']],
    ['exec ci -- --', ['--json', '--profile']],
  ])('behind "zt %s" cannot be any of %j', (line, none) => {
    expect(offered(line).filter((word) => none.includes(word))).toEqual([])
  })

  it('takes profile, account and zone from wherever they stand', () => {
    expect(at('--profile a token show --account=b --zone c x ')).toMatchObject({
      profile: 'a',
      account: 'b',
      zone: 'c',
    })
    expect(at('--profile a token show --profile b ').profile).toBe('b')
    expect(at('exec ci -- --profile other ').profile).toBeUndefined()
  })

  it('says what commands and topics are about', () => {
    expect(at('').words.find(({value}) => value === 'token')?.about).toBe(topics['token']?.description)
    const show = at('token ').words.find(({value}) => value === 'show')
    expect(show?.about).toBe(manifest.commands['token:show']?.summary)
  })

  it('is something for any line at all', () => {
    const known = Object.keys(words.commands).flatMap((id) => id.split(' '))
    const word = fc.oneof(fc.constantFrom(...known, '--', '--token', '--profile=x', '-L', '-'), fc.string())
    fc.assert(
      fc.property(fc.array(word), word, (before, current) => {
        for (const {value} of wantedAt(words, before, current).words) expect(value).not.toBe('')
      }),
    )
  })
})
