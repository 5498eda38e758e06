import { MemoryPlace, MemorySink, sinkContract } from '@flatfhir/testkit'

sinkContract('MemorySink', async () => {
  const place = new MemoryPlace()
  return {
    sink: () => new MemorySink(place),
    rows: async () =>
      new MemorySink(place).rows().map(({ text, run, source, type, id, cohorts }) => ({
        source,
        type,
        id,
        cohorts,
        raw: text,
        runId: run,
      })),
  }
})
