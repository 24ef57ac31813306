"""What sorts of events a city has: title, class, how urgent, who reports it, and at what time of the day.

All of it is made up after DOMAIN's classes and sources; shares are plausible, not measured. A sort is a kind
within its class, with the titles that people give it.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from random import Random

URGENCIES: Final = ("red", "orange", "yellow", "blue")

_URGENT: Final = {
    "calm": (0.0, 0.005, 0.115, 0.88),
    "plain": (0.0, 0.03, 0.32, 0.65),
    "grave": (0.015, 0.235, 0.55, 0.20),
    "alarm": (0.12, 0.63, 0.25, 0.0),
}
"""Shares of red, orange, yellow and blue; over all sorts one event in a hundred or so is red."""

CHANNELS: Final = {
    "g": "网格员",
    "r": "居民",
    "h": "12345",
    "d": "设备",
    "v": "视频",
}
"""Who reports: grid member, resident, hotline, device, video."""


class Sort(NamedTuple):
    """A kind of event. `channels` are letters of CHANNELS, one that is there twice counts twice."""

    class_: str
    kind: str
    share: float
    urgencies: tuple[float, float, float, float]
    channels: str
    rhythm: str
    matter: str | None
    titles: tuple[str, ...]


_TABLE: Final = """
城市管理 27
  井盖 10 grave ggrhv day -
    井盖破损 井盖缺失 井盖松动异响 井盖移位 窨井盖下沉 井盖周边塌陷
  垃圾 20 calm ggrrhv morning community
    垃圾堆积未清 建筑垃圾乱倒 垃圾桶满溢 大件垃圾占道 楼道堆放垃圾 垃圾分类点脏乱
    背街小巷垃圾未清
  违建 7 calm grhh office official
    楼顶违建举报 阳台违建施工 擅自搭建棚屋 违建围墙占用公共用地 屋顶加层违法建设
    院坝违章建筑
  占道 15 calm gvvrh trade -
    流动摊贩占道经营 店铺出店经营 共享单车乱停放 占道堆物 占用盲道 烧烤摊占道
  停车 12 calm rrhgv evening -
    机动车违规停放 占用消防通道停车 小区路口乱停车 人行道停车 僵尸车长期占位 货车夜间乱停
  市政 14 plain ggrh day -
    路灯不亮 人行道地砖破损 护栏损坏 路面坑洼 公交站牌倾斜 排水沟堵塞 行道树倾倒
    路名牌脱落
  广告 6 calm gvr office -
    乱贴小广告 破损广告牌未拆 横幅悬挂不规范 店招松动 灯箱倾斜
  道路施工 6 plain ghr office official
    施工围挡不规范 施工占道未恢复 道路开挖无警示 渣土车抛洒 夜间施工无许可
民生服务 19
  停水 12 plain hhrrg morning -
    小区停水 自来水水压低 自来水浑浊 水表井漏水 水管爆裂
  停电 12 plain hhrrg evening -
    楼栋停电 电压不稳 路段停电 电表箱故障 充电桩断电
  电梯 12 grave rhhd evening community
    电梯停运 电梯异响 电梯门故障 电梯按钮失灵 电梯平层不准
  物业 18 calm rrhh office community
    物业服务不到位 公共照明损坏 门禁系统故障 小区绿化枯死 化粪池满溢 外墙瓷砖脱落 屋面渗水
  办事 12 calm hrg office official
    医保缴费咨询 居住证办理咨询 公租房申请咨询 老年卡办理咨询 社保补缴咨询 入学报名咨询
  心愿 6 calm gr office family
    微心愿：旧书桌一张 微心愿：冬衣一件 微心愿：修理轮椅 微心愿：代购药品 微心愿：陪同就医
  出行 9 calm hr morning -
    公交等候时间长 轨道站扶梯停运 接驳线路建议 路口红绿灯配时建议 过街天桥电梯停运
  通信 5 calm hr evening -
    宽带中断 手机信号弱 光纤箱破损 通信线缆下垂
矛盾纠纷 12
  邻里纠纷 22 plain grrh evening family
    邻里噪声纠纷 邻里漏水纠纷 公共过道堆物纠纷 邻里停车位纠纷 楼上滴水纠纷 养犬纠纷
    装修扰民纠纷
  物业纠纷 14 plain rhhg office community
    物业费纠纷 停车费纠纷 维修基金使用纠纷 业委会选举纠纷 公共收益公示纠纷
  婚姻家庭 12 grave grh evening family
    夫妻争吵纠纷 赡养纠纷 抚养费纠纷 遗产继承纠纷 家庭财产纠纷
  劳资纠纷 10 grave hhg office official
    拖欠工资纠纷 工伤赔偿纠纷 劳动合同纠纷 包工头欠薪纠纷 解除合同补偿纠纷
  消费纠纷 9 calm hhr trade official
    预付卡退费纠纷 培训机构退费纠纷 商品质量纠纷 餐饮消费纠纷 美容店退款纠纷
  土地山林 6 plain gg day community
    宅基地边界纠纷 土地承包纠纷 林地界址纠纷 征地补偿纠纷 灌溉用水纠纷
  租赁纠纷 8 calm hgr office community
    房屋租金纠纷 押金退还纠纷 门面转让纠纷 群租房纠纷
生态环境 10
  噪声 22 calm rrhhv night -
    夜间施工噪声扰民 广场舞噪声扰民 酒吧噪声扰民 空调外机噪声 商铺音响扰民 学校广播扰民
  油烟 12 calm rrh trade -
    餐馆油烟扰民 露天烧烤油烟 油烟管道直排 厨房排烟异味
  水体 12 plain ggvr day official
    河面漂浮垃圾 排污口异常排水 水体发黑发臭 河岸倾倒污物 鱼塘死鱼
  扬尘 9 calm gvvh day official
    工地扬尘 渣土裸露未覆盖 道路扬尘 砂石堆场扬尘
  焚烧 9 plain gvv day -
    露天焚烧秸秆 焚烧落叶 焚烧杂物冒烟 坟前焚烧祭品
  绿化 9 calm grv day -
    绿地被占用 树木病虫害 毁绿种菜 古树枯枝 树枝遮挡采光
  异味 7 calm rrh evening -
    下水道异味 垃圾站异味 养殖异味扰民 化工异味投诉
公共安全 11
  烟感 10 alarm dddd meals -
    烟感报警 厨房烟感报警 楼道烟感报警 地下车库烟感报警
  燃气 6 alarm ddrh meals -
    燃气报警器报警 居民家中燃气异味 疑似天然气泄漏 燃气管道外露
  消防 16 grave gggrv day -
    消防通道堵塞 灭火器过期 楼道电动车充电 消防栓无水 安全出口上锁 应急灯损坏 飞线充电
  电气 8 grave ddg always -
    电气火灾探测器报警 线路过载预警 配电箱温度异常 漏电电流超限
  边坡 5 grave dgg always official
    边坡位移预警 挡土墙开裂 山体落石 地灾点裂缝加宽
  水位 5 grave ddg always official
    水位超警戒 低洼路段积水 下穿道积水 水库渗漏点
  安全隐患 14 plain ggrh office -
    高空抛物隐患 脚手架松动 老旧房屋墙体开裂 施工临边无防护 树枝压电线 广告牌摇晃
  食品药品 6 plain hrg trade official
    食品过期销售 餐馆卫生差 无证售药 活禽宰杀不规范
社会治安 6
  盗窃 10 plain rhg evening official
    电动车被盗 车内物品被盗 快递丢失 电瓶被盗 入室盗窃报警
  打架 6 grave rvg night official
    酒后打架 路口斗殴 商铺门前争执 停车争执动手
  诈骗 9 plain hrg office official
    电信诈骗线索 老人被推销保健品 刷单诈骗报警 冒充客服诈骗 非法集资线索
  可疑 7 plain rvvg night -
    可疑人员徘徊 陌生人敲门踩点 群租房人员混杂 夜间翻越围栏
  走失 4 grave rhg day -
    老人走失求助 儿童走失求助 失智老人走失
  犬只 6 plain rrg evening -
    流浪犬聚集 遛犬不牵绳 犬只伤人 烈性犬饲养举报
特殊关爱 5
  SOS 8 alarm dddr always -
    SOS一键求助 独居老人SOS呼救 卫生间SOS按钮触发 腕表SOS求助
  独居老人 16 grave dgg morning -
    独居老人24小时未开门 独居老人未接电话 独居老人跌倒 独居老人需送药 空巢老人生病
  残疾人 6 plain gr office -
    残疾人出行求助 轮椅坡道损坏 盲人引导求助
  困境儿童 5 plain gr office -
    留守儿童辍学 困境儿童走访 儿童独自在家
  困难救助 8 plain ghr office -
    低保户生活困难 临时救助申请 大病家庭求助 流浪人员救助
  心理 4 grave gh evening -
    情绪异常需关注 心理疏导求助 产后抑郁需关注
应急 1.5
  火灾 4 alarm drvh meals -
    居民楼起火 垃圾桶起火 车辆自燃起火 山林起火冒烟 厨房失火
  内涝 3 alarm ghv always -
    道路内涝 地下车库进水 河水倒灌 院坝淹水
  电梯困人 6 alarm rdh evening -
    电梯困人 电梯困人有老人 货梯困人
  危急救助 4 alarm rgh always -
    路人晕倒 有人欲轻生 工地坠落伤人 交通事故有人受伤
  抢险 3 grave gh always official
    树木倒伏压车 山体滑坡阻断道路 围墙垮塌 供水主管爆裂抢修
党建政务 6
  政策宣传 9 calm g office community
    反诈宣传入户 防溺水宣传 森林防火宣传 医保政策宣传 垃圾分类宣传
  走访 14 calm g day community
    入户走访登记 新入住人员登记 重点家庭走访 商户信息更新 流动人口核查
  议事 6 calm gr evening community
    院坝会议题征集 业主大会筹备 居民议事会建议 加装电梯意见征集
  志愿 5 calm g office community
    志愿服务活动 党员双报到 义诊活动 助老理发活动
  建议 6 calm hr office official
    增设休闲座椅建议 增设斑马线建议 政务大厅延时服务建议 增设充电桩建议
其他 2.5
  失物 6 calm rg day -
    拾到身份证 拾到钱包 寻物启事求助 拾到手机
  动物 5 calm rg day -
    蛇进入居民家中 马蜂窝需摘除 野猪进村 鸟类受伤救助
  咨询 8 calm h office -
    停水公告咨询 活动时间咨询 办公地点咨询 疫苗接种点咨询
  表扬 3 calm hr office -
    表扬网格员热心 表扬社区工作人员 表扬公交司机
"""
"""Of each class its share in percent; of each sort in it the kind, its weight in the class, how urgent, the
channels, the rhythm and the matter; then its titles."""


def _read(table: str) -> tuple[Sort, ...]:
    """The sorts of a table, their shares those of all events."""
    found: list[Sort] = []
    classes: dict[str, float] = {}
    for line in table.strip().splitlines():
        depth, words = len(line) - len(line.lstrip()), line.split()
        if depth == 0:
            class_, classes[class_] = words[0], float(words[1])
        elif depth == 2:
            kind, share, urgency, channels, rhythm, matter = words
            known = None if matter == "-" else matter
            found.append(Sort(class_, kind, float(share), _URGENT[urgency], channels, rhythm, known, ()))
        else:
            found[-1] = found[-1]._replace(titles=(*found[-1].titles, *words))
    whole = {name: sum(sort.share for sort in found if sort.class_ == name) for name in classes}
    return tuple(
        sort._replace(share=sort.share / whole[sort.class_] * classes[sort.class_] / 100) for sort in found
    )


SORTS: Final = _read(_TABLE)
"""All sorts, each with its share of all events."""

_HOT: Final = ("垃圾", "占道", "停车", "停水", "停电", "电梯", "物业", "物业纠纷", "噪声", "油烟", "异味")
HOT: Final = tuple(sort for sort in SORTS if sort.kind in _HOT)
"""What a place is hot for: hundreds of complaints about one compound are about one of these."""

_CUMULATIVE: Final = tuple(accumulate(sort.share for sort in SORTS))


def draw_sort(chance: Random) -> Sort:
    """One sort, by its share."""
    return chance.choices(SORTS, cum_weights=_CUMULATIVE)[0]
