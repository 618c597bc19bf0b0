import {UserError} from '../../core/errors.js'

/** Headers that have another meaning on the way, or that zt writes itself. */
const NO_PLACE =
  /^(host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|content-.*|proxy-.*|sec-.*|cookie|set-cookie|origin|referer|cf-.*)$/i

/** Checks the header that an application reads the pair from. @throws UserError `usage` / `BAD_HEADER_NAME` */
export function checkHeaderName(name: string): string {
  if (/^[A-Za-z0-9-]{1,64}$/.test(name) && !NO_PLACE.test(name)) return name
  throw new UserError({
    kind: 'usage',
    code: 'BAD_HEADER_NAME',
    message: 'zt cannot send the token in a header of that name',
    why: 'It must be the name in read_service_tokens_from_header of the application, such as Authorization.',
  })
}

/** Checks an origin, as browsers send it. @throws UserError `usage` / `BAD_ORIGIN` */
export function checkOrigin(text: string): string {
  try {
    const url = new URL(text)
    if (/^https?:$/.test(url.protocol) && url.origin === text.toLowerCase()) return url.origin
  } catch {
    // Reported below.
  }
  throw new UserError({
    kind: 'usage',
    code: 'BAD_ORIGIN',
    message: `"${text}" is not an origin`,
    why: 'It must be a scheme and a host, with the port unless it is the default one: https://app.example.com.',
  })
}
