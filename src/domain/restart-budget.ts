/**
 * OpenClaw suppresses channels after three unclean boots in five minutes (restart-loop breaker, measured). Dash stays
 * below it, whoever asks for a start: the host of the gateway, or its dashboard chain.
 */
export const UNCLEAN_STARTS = 3;
export const UNCLEAN_WITHIN_SECONDS = 300;
