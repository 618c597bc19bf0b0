import {describe, expect, it} from 'vitest'
import {shellQuote, withFlags, withProfile, ztCommand} from '../../src/lib/core/command-line.js'

describe('a suggested command', () => {
  it.each([
    ['zt token list', 'zt token list --profile staging'],
    [
      'zt app add-rule --service-auth --token ci',
      'zt app add-rule --service-auth --token ci --profile staging',
    ],
    ['zt exec ci -- make deploy', 'zt exec ci --profile staging -- make deploy'],
    ['zt login < FILE', 'zt login --profile staging < FILE'],
    ['zt token list --profile other', 'zt token list --profile other'],
    ['To enable it again: zt token enable ci', 'To enable it again: zt token enable ci --profile staging'],
    ['To go past the rule "a: b": zt whoami', 'To go past the rule "a: b": zt whoami'],
    ['zt sandbox start', 'zt sandbox start'],
    ['To try zt without an account: zt sandbox start', 'To try zt without an account: zt sandbox start'],
    ['Add --yes to send it this once', 'Add --yes to send it this once'],
    ['apt-get install libsecret-1-0', 'apt-get install libsecret-1-0'],
  ])('works on the profile that was named: %s', (step, named) => {
    expect(withProfile(step, 'staging')).toBe(named)
  })

  it('reads nothing in a name as a separate word', () => {
    const step = ztCommand(
      {profile: 'x', profileNamed: false},
      'policy',
      'attach',
      'a -- b --profile y',
      'APP',
    )
    expect(withProfile(step, 'staging')).toBe("zt policy attach 'a -- b --profile y' APP --profile staging")
  })

  it('has the flags that it lacks, and no flag twice', () => {
    const flags = {zone: 'a b', profile: 'staging', account: undefined}
    expect(withFlags('zt app list', flags)).toBe("zt app list --zone 'a b' --profile staging")
    expect(withFlags('zt app list --zone=x', flags)).toBe('zt app list --zone=x --profile staging')
  })

  it.each(['a\nrm -rf ~', 'a\u001B[2K\r', '--yes', 'a\u200Bb', 'a\u00A0b', '\u202Ex', 'x'.repeat(101), ''])(
    'names by its id what has a name that cannot be pasted: %j',
    (name) => {
      expect(shellQuote({id: 'the-id', name})).toBe('the-id')
      expect(shellQuote({id: 'the-id', name: 'o neil'})).toBe("'o neil'")
    },
  )

  it('has a profile once, and quoted where it needs quotes', () => {
    const step = ztCommand({profile: 'my staging', profileNamed: true}, 'token', 'show', 'a b')
    expect(step).toBe("zt token show 'a b' --profile 'my staging'")
    expect(withProfile(step, 'my staging')).toBe(step)
    expect(withProfile('zt whoami', 'my staging')).toBe("zt whoami --profile 'my staging'")
  })
})
