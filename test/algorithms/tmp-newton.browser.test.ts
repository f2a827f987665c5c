import { expect, it } from 'vitest';
import { sinkhornNewton } from '../../src/algorithms/sinkhorn-newton';
import { Philox } from '../../src/kernels/random';
import { openTestDevice } from '../support/device';
const gpu = await openTestDevice();
function lap(n:number, seed:number){ const r=new Philox(seed,0); return { matrix: Float32Array.from({length:n*n},()=>r.uniform()), rows:n, columns:n }; }
function blobs(side:number, cost:string, seed=0){
  const img=(k:number)=>{ const r=new Philox(k,1); const b=Array.from({length:4},()=>[r.uniform()*0.7+0.15,r.uniform()*0.7+0.15,0.05+0.1*r.uniform()]);
    const w=new Float64Array(side*side); for(let i=0;i<side;i++)for(let j=0;j<side;j++){ let v=0.01; for(const [x=0,y=0,s=1] of b) v+=Math.exp(-((i/side-x)**2+(j/side-y)**2)/(2*s*s)); w[i*side+j]=v; }
    const t=w.reduce((a,b)=>a+b,0); return w.map(v=>v/t); };
  const pts=new Float64Array(2*side*side); const scale = cost==='manhattan'?1/(2*(side-1)):1/(Math.SQRT2*(side-1));
  for(let i=0;i<side;i++)for(let j=0;j<side;j++){pts[2*(i*side+j)]=i*scale;pts[2*(i*side+j)+1]=j*scale;}
  return {x:pts,y:pts,dimension:2,cost:cost as any,rowWeights:img(seed+1),columnWeights:img(seed+2)};
}
it.each<[string, any, any]>([['lap0',()=>lap(500,0),{}],['lap1',()=>lap(500,1),{}],['lap2',()=>lap(500,2),{}],
['lap0floor',()=>lap(500,0),{tolerance:1e-7}],
['l2',()=>blobs(28,'squared-euclidean'),{}],['l1',()=>blobs(22,'manhattan'),{}]])('%s', async (name, make, o) => {
  using _s = gpu.scope();
  const it = sinkhornNewton(gpu, make(), { epsilon: 1/1200, ...o });
  let x = await it.next();
  while(!x.done){ const s=x.value; if(s.phase!=='sinkhorn') console.log(name, s.phase, s.iteration, s.marginalError.toExponential(2), JSON.stringify(s.newton), Math.round(s.elapsedMs)); x=await it.next(); }
  const r=x.value; console.log(JSON.stringify({name,status:r.status,s:r.sinkhornIterations,n:r.newtonSteps,cg:r.gradientSteps,stalls:r.stalls,fb:r.fallbackIterations,ms:Math.round(r.elapsedMs),cost:r.transportCost,err:r.marginalError}));
  expect(1).toBe(1);
}, 120000);
