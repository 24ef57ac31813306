// The terms of the field in both languages: classes, urgencies, states, actions, roles, levels, kinds.
//
// Keys are those of the service (gridmap/orders/words.py); what is not known here is shown as it came.

import { learn, say, spoken } from "../core/words.js";

/** Learn the words of a kind; gives its keys, in their order. @param {string} kind @param {Record<string, readonly [string, string]>} words */
function teach(kind, words) {
  learn(Object.fromEntries(Object.entries(words).map(([key, pair]) => [`${kind}.${key}`, pair])));
  return Object.keys(words);
}

export const CLASSES = teach("class", {
  矛盾纠纷: ["矛盾纠纷", "Disputes"],
  公共安全: ["公共安全", "Public safety"],
  社会治安: ["社会治安", "Public order"],
  城市管理: ["城市管理", "City upkeep"],
  生态环境: ["生态环境", "Environment"],
  民生服务: ["民生服务", "Services"],
  特殊关爱: ["特殊关爱", "Care"],
  应急: ["应急", "Emergency"],
  党建政务: ["党建政务", "Party affairs"],
  其他: ["其他", "Other"],
});
/** The most urgent first. */
export const URGENCIES = teach("urgency", {
  red: ["红", "red"],
  orange: ["橙", "orange"],
  yellow: ["黄", "yellow"],
  blue: ["蓝", "blue"],
});
teach("lamp", {
  green: ["时限内", "in time"],
  yellow: ["将超时", "nearly due"],
  red: ["已超时", "overdue"],
  supervised: ["督办", "supervised"],
});
teach("state", {
  reported: ["已上报", "reported"],
  verified: ["已核实", "verified"],
  rejected: ["不予立案", "rejected"],
  filed: ["已立案", "filed"],
  dispatched: ["已派遣", "dispatched"],
  accepted: ["已接单", "accepted"],
  processing: ["处理中", "in hand"],
  delay_requested: ["申请延期", "delay requested"],
  suspended: ["已挂起", "suspended"],
  returned: ["已退单", "returned"],
  feedback: ["已反馈", "fed back"],
  checked: ["已核查", "checked"],
  rework: ["返工", "rework"],
  escalated: ["已上报上级", "escalated"],
  closed: ["已结案", "closed"],
  evaluated: ["已评价", "evaluated"],
  merged: ["已合并", "merged"],
  voided: ["已作废", "void"],
});
teach("action", {
  open: ["建单", "opened"],
  verify: ["核实", "verify"],
  reject: ["不予立案", "reject"],
  file: ["立案", "file"],
  dispatch: ["派遣", "dispatch"],
  accept: ["接单", "accept"],
  arrive: ["到场", "arrive"],
  start: ["开始处理", "start work"],
  handle_on_spot: ["当场处置", "handle on the spot"],
  request_delay: ["申请延期", "ask for a delay"],
  grant_delay: ["同意延期", "grant the delay"],
  refuse_delay: ["驳回延期", "refuse the delay"],
  suspend: ["挂起", "suspend"],
  resume: ["恢复", "resume"],
  return: ["退单", "return"],
  feedback: ["反馈", "report back"],
  check: ["核查通过", "pass the check"],
  rework: ["退回返工", "send back"],
  close: ["结案", "close"],
  evaluate: ["评价", "evaluate"],
  escalate: ["上报上级", "escalate"],
  whistle: ["吹哨", "whistle"],
  reply: ["部门回复", "reply"],
  release: ["撤回吹哨", "release"],
  supervise: ["督办", "supervise"],
  reassign: ["改派", "reassign"],
  merge: ["合并", "merge"],
  absorb: ["并入", "absorb"],
  void: ["作废", "void"],
  regrade: ["调整紧急程度", "change urgency"],
  move: ["位置调整", "moved with its place"],
  retime: ["重算时限", "time counted anew"],
});
teach("role", {
  microgrid_leader: ["微网格长", "micro-grid leader"],
  grid_member: ["网格员", "grid member"],
  grid_leader: ["网格长", "grid leader"],
  instructor: ["网格指导员", "grid instructor"],
  community: ["社区", "community"],
  town: ["镇街", "town"],
  district: ["区县", "district"],
  department: ["部门", "department"],
  dispatcher: ["派遣员", "dispatcher"],
  verifier: ["核查员", "verifier"],
  supervisor: ["督办员", "supervisor"],
  resident: ["居民", "resident"],
  system: ["系统", "system"],
  网格长: ["网格长", "Grid leader"],
  专职网格员: ["专职网格员", "Full-time"],
  兼职网格员: ["兼职网格员", "Part-time"],
  微网格长: ["微网格长", "Micro-grid"],
  网格指导员: ["网格指导员", "Instructor"],
});
teach("level", {
  microgrid: ["微网格", "micro-grid"],
  grid: ["网格", "grid"],
  community: ["社区", "community"],
  town: ["镇街", "town"],
  district: ["区县", "district"],
  department: ["部门", "department"],
  city: ["全市", "city"],
});
teach("kind", {
  camera: ["视频", "Cameras"],
  door: ["门磁", "Smart doors"],
  electric: ["电气火灾", "Electrical fire"],
  gas: ["燃气", "Gas"],
  lift: ["电梯", "Lifts"],
  manhole: ["井盖", "Manholes"],
  slope: ["边坡", "Slopes"],
  smoke: ["烟感", "Smoke"],
  sos: ["一键求助", "SOS buttons"],
  water: ["水位", "Water level"],
});
teach("use", {
  residential: ["住宅", "homes"],
  shop: ["商铺", "shop"],
  school: ["学校", "school"],
  hospital: ["医院", "hospital"],
  market: ["农贸市场", "market"],
  office: ["办公楼", "offices"],
  factory: ["工业厂房", "factory"],
  storage: ["仓库", "storage"],
  public: ["服务中心", "public"],
});
teach("op", { open: ["上报", "reported"], update: ["更新", "updated"], close: ["解除", "over"] });
teach("matter", { official: ["政务", "official"], family: ["家事", "family"], community: ["社区事务", "community"] });
teach("shift", {
  早班: ["早班", "early"],
  中班: ["中班", "late"],
  晚班: ["晚班", "evening"],
  夜班: ["夜班", "night"],
  白班: ["白班", "day"],
  周末班: ["周末班", "weekend"],
  备勤: ["备勤", "on call"],
  待命: ["待命", "on call"],
});

learn({
  stock_districts: ["区县", "districts"],
  stock_towns: ["镇街", "towns"],
  stock_communities: ["社区/村", "communities"],
  stock_grids: ["网格", "grids"],
  stock_buildings: ["建筑", "buildings"],
  stock_households: ["户", "households"],
  stock_people: ["人口", "people"],
  stock_devices: ["设备", "devices"],
  stock_staff: ["网格力量", "staff"],
  on_duty: ["在岗", "on duty"],
  off_duty: ["休班", "off duty"],
  on_call: ["待命", "on call"],
  desk: ["值班席", "the desk"],
  drill: ["演练", "drill"],
  pin: ["置顶此单", "Pin this order"],
  unpin: ["取消置顶", "Unpin this order"],
});

/** States in which nobody works on an order any more. */
export const OVER = new Set(["rejected", "closed", "evaluated", "merged", "voided"]);

/**
 * The word for a key of some kind; the key itself where there is none.
 * @param {string} kind
 * @param {string | null | undefined} key
 */
export function term(kind, key) {
  if (key === null || key === undefined || key === "") return "—";
  const name = `${kind}.${key}`;
  const word = say(name);
  return word === name ? key : word;
}

/** A shift with its hours, such as 早班 07:00-15:00. @param {string} text */
export function shiftWords(text) {
  const [word, ...rest] = text.split(" ");
  return spoken() === "zh" ? text : [term("shift", word), ...rest].join(" ");
}

/** Whether somebody is at work: on duty, on call where his shift names no hours, or off. @param {{on_duty: boolean, shift: string}} post */
export const dutyWord = (post) => say(post.on_duty ? "on_duty" : /\d:\d/.test(post.shift) ? "off_duty" : "on_call");

/** Who has something: a person, or the desk of a level. @param {{person: string | null, post: string}} assignee */
export const holderWord = ({ person, post }) => person ?? (post.startsWith("desk:") ? say("desk") : post);
