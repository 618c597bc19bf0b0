import {scaleUtc} from 'd3-scale'
import {symbol, symbolCircle, symbolDiamond, symbolTriangle} from 'd3-shape'
import {html, Html} from './html.js'
import type {ReportToken} from './types.js'

const DAY = 86_400_000
const SIZE = {width: 960, left: 12, right: 12, top: 26}
/** What the picture shows: what expired lately, and a year ahead, since tokens live a year unless they were given another time. */
const PAST_DAYS = 60
const AHEAD_DAYS = 400
const STEP = 12
/** Higher piles become bars. */
const HIGHEST_PILE = 9
const LEVEL = 13.5
/** How high the picture is at least, in marks. */
const LOWEST = 4

export interface Timeline {
  picture: Html
  /** What the picture leaves out, and what it shows, for who does not see it. */
  words: string
}

/** When service tokens expire: a mark for each, or a bar for many, along a line of time. */
export function timeline(tokens: readonly ReportToken[], now: number): Timeline {
  const [from, to] = [now - PAST_DAYS * DAY, now + AHEAD_DAYS * DAY]
  const x = scaleUtc()
    .domain([from, to])
    .range([SIZE.left, SIZE.width - SIZE.right])
  const ends = tokens.map((token) => ({
    token,
    at: token.expiresAt === null ? Infinity : Date.parse(token.expiresAt),
  }))
  const shown = ends.filter(({at}) => at >= from && at < to).sort((a, b) => a.at - b.at)
  const bins = Math.floor((SIZE.width - SIZE.left - SIZE.right) / STEP)
  const piles: ReportToken[][] = Array.from({length: bins}, () => [])
  for (const {token, at} of shown)
    piles[Math.min(bins - 1, Math.floor((x(at) - SIZE.left) / STEP))]?.push(token)
  const highest = Math.max(0, ...piles.map(({length}) => length))
  const base = SIZE.top + LEVEL * Math.min(HIGHEST_PILE, Math.max(LOWEST, highest)) + 6
  const marks = piles.flatMap((pile, bin) => {
    const left = SIZE.left + bin * STEP
    if (pile.length === 0) return []
    if (highest <= HIGHEST_PILE)
      return pile.map((token, level) => mark(token, left, base - 9 - level * LEVEL, now))
    return bar(pile, left, {base, highest}, now)
  })
  const ticks = x.ticks(12)
  const today = round(x(now))
  const soon = round(x(now + 30 * DAY))
  const picture = html`<svg
    viewBox="0 0 ${SIZE.width} ${base + 34}"
    role="img"
    aria-labelledby="expiry-words"
  >
    <rect
      class="soon"
      x="${today}"
      y="${SIZE.top - 8}"
      width="${round(soon - today)}"
      height="${base - SIZE.top + 8}"
    />
    <text class="lead" x="${round(today + 5)}" y="${SIZE.top - 13}">Today, and the next 30 days</text>
    <path class="axis" d="M${SIZE.left} ${base}H${SIZE.width - SIZE.right}" />
    ${ticks.map((tick) => html`<path class="axis" d="M${round(x(tick))} ${base}v5" /><text x="${round(x(tick))}" y="${base + 19}" text-anchor="middle">${monthOf(tick)}</text>`)}
    <path class="today" d="M${today} ${SIZE.top - 22}V${base + 5}" />
    ${marks}
  </svg>`
  const count = (is: (at: number) => boolean): number => ends.filter(({at}) => is(at)).length
  const list = (all: [number, string][]): string =>
    all
      .filter(([number]) => number > 0)
      .map(([number, what]) => `${number} ${what}`)
      .join(', ')
  const said = list([
    [count((at) => at < now), 'expired'],
    [count((at) => at >= now && at < now + 30 * DAY), 'within 30 days'],
    [count((at) => at >= now + 30 * DAY && at < Infinity), 'later'],
    [count((at) => at === Infinity), 'never'],
  ])
  const undrawn = list([
    [count((at) => at < from), `that expired more than ${PAST_DAYS} days ago`],
    [count((at) => at >= to && at < Infinity), `after ${new Date(to).toISOString().slice(0, 10)}`],
    [count((at) => at === Infinity), 'that never expire'],
  ])
  return {
    picture,
    words: `${said === '' ? 'There are no service tokens' : `When service tokens expire: ${said}`}.${undrawn === '' ? '' : ` Not drawn: ${undrawn}.`}`,
  }
}

function mark(token: ReportToken, left: number, y: number, now: number): Html {
  const kind = kindOf(token, now)
  const shape = {over: symbolTriangle, near: symbolDiamond, later: symbolCircle}[kind]
  const path = symbol(shape, 52).digits(1)() ?? ''
  const off = token.status === 'disabled' && ' off'
  return html`<path
    class="${kind}${off}"
    transform="translate(${round(left + STEP / 2)} ${round(y)})"
    d="${new Html(path)}"
    ><title>${token.name}: ${token.expiresAt?.slice(0, 10)}${off && ', disabled'}</title></path
  >`
}

function bar(
  pile: readonly ReportToken[],
  left: number,
  {base, highest}: {base: number; highest: number},
  now: number,
): Html {
  const [first] = pile
  const height = Math.max(2, ((base - SIZE.top) * pile.length) / highest)
  return html`<rect
    class="${first ? kindOf(first, now) : 'later'}"
    x="${left + 1}"
    y="${round(base - height)}"
    width="${STEP - 2}"
    height="${round(height)}"
    ><title>${pile.length} around ${first?.expiresAt?.slice(0, 10)}</title></rect
  >`
}

function kindOf({expiresAt}: ReportToken, now: number): 'over' | 'near' | 'later' {
  const left = Date.parse(expiresAt ?? '') - now
  if (left <= 0) return 'over'
  return left <= 30 * DAY ? 'near' : 'later'
}

/** `Nov`, and the year with each January. */
function monthOf(date: Date): string {
  const month = date.toLocaleString('en', {month: 'short', timeZone: 'UTC'})
  return date.getUTCMonth() === 0 ? String(date.getUTCFullYear()) : month
}

const round = (number: number): number => Math.round(number * 10) / 10
