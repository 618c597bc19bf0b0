import {UserError} from '../core/errors.js'
import {addressInBlock, fullBlock} from '../policy/address.js'

/** `CIDR=CC` pairs: the country of the clients in a block. @throws UserError `usage` / `BAD_COUNTRY_OF` */
export function parseCountries(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [block = '', country = ''] = pair.split('=')
      if (pair.split('=').length === 2 && isBlock(block) && isCountry(country)) return [block, country]
      throw new UserError({
        kind: 'usage',
        code: 'BAD_COUNTRY_OF',
        message: `"${pair}" does not give addresses a country`,
        why: 'It is CIDR=CC: a block of addresses and a country code in capitals, e.g. 127.0.0.2/32=DE.',
      })
    }),
  )
}

export function isBlock(text: string): boolean {
  return fullBlock(text) !== undefined
}

/** Two capitals; Cloudflare also has `T1` for Tor ("IP geolocation"). */
export function isCountry(text: string): boolean {
  return /^[A-Z][A-Z0-9]$/.test(text)
}

/** The country of the longest block that contains an address; undefined if none does. */
export function countryAt(
  address: string | undefined,
  countries: Readonly<Record<string, string>>,
): string | undefined {
  const length = (block: string): number => Number(fullBlock(block)?.split('/')[1])
  const [best] = Object.keys(countries)
    .filter((block) => address !== undefined && addressInBlock(address, block))
    .sort((a, b) => length(b) - length(a))
  return best === undefined ? undefined : countries[best]
}
