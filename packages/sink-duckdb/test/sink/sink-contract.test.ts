import { sinkContract } from '@flatfhir/testkit'
import { makePlace } from './place.ts'

sinkContract('DuckDbSink', () => makePlace())
