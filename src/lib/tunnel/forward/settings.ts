import {UserError} from '../../core/errors.js'

/** Headers that mean something else on the way, or that zt writes itself. */
const NO_PLACE =
  /^(host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|content-.*|proxy-.*|sec-.*|cookie|set-cookie|origin|referer|cf-.*)$/i

/** The header that an application reads the pair from. @throws UserError `usage` / `BAD_HEADER_NAME` */
export function checkHeaderName(name: string): string {
  if (/^[A-Za-z0-9-]{1,64}$/.test(name) && !NO_PLACE.test(name)) return name
  throw new UserError({
    kind: 'usage',
    code: 'BAD_HEADER_NAME',
    message: 'The token cannot be sent in a header of that name',
    why: "It is the name that the application's read_service_tokens_from_header says, such as Authorization.",
  })
}

/** An origin as browsers send it. @throws UserError `usage` / `BAD_ORIGIN` */
export function checkOrigin(text: string): string {
  try {
    const url = new URL(text)
    if (/^https?:$/.test(url.protocol) && url.origin === text.toLowerCase()) return url.origin
  } catch {
    // Told below.
  }
  throw new UserError({
    kind: 'usage',
    code: 'BAD_ORIGIN',
    message: `"${text}" is not an origin`,
    why: 'It is a scheme and a host, with the port where that is not the usual one: https://app.example.com.',
  })
}
