/** `1234567` → `1,234,567`; the same in every locale. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** Bytes in megabytes (10⁶ bytes): `0.0`, `12.3`, `1,234`. */
export function formatMegabytes(bytes: number): string {
  const megabytes = bytes / 1e6
  return megabytes < 999.95 ? megabytes.toFixed(1) : formatCount(megabytes)
}

/** Seconds as a person says them: `0.42 s`, `12.3 s`, `4 min 05 s`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`
  if (seconds < 99.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`
}

/** `1 file`, `2 files`, `1,000 files`. */
export function formatQuantity(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`
}
