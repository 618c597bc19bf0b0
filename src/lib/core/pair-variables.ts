/** The names of two environment variables that hold a service token's client ID and client secret. */
export interface PairNames {
  id: string
  secret: string
}

/** zt's own. `zt exec` sets them for a command. */
export const ZT_PAIR: PairNames = {id: 'CF_ACCESS_CLIENT_ID', secret: 'CF_ACCESS_CLIENT_SECRET'}

/** cloudflared's (`cloudflared access ssh --help`: --service-token-id, --service-token-secret). */
export const CLOUDFLARED_PAIR: PairNames = {
  id: 'TUNNEL_SERVICE_TOKEN_ID',
  secret: 'TUNNEL_SERVICE_TOKEN_SECRET',
}

/** Every pair that zt takes from the environment. */
export const PAIRS: readonly PairNames[] = [ZT_PAIR, CLOUDFLARED_PAIR]

/** All of their names. */
export const PAIR_VARIABLES: readonly string[] = PAIRS.flatMap(({id, secret}) => [id, secret])
