# ruff: noqa: E501 - rows of files are as long as they are
"""A small town as files, by contract: two districts, two feeders with a tie, a dual-fed works."""

from pathlib import Path

NODES = """node,x,y,nominal_v
S,0,0,10000
A1,1,0,10000
A2,2,0,10000
A3,3,0,10000
B1,1,5,10000
B2,2,5,10000
LA1,1,1,400
LA2,2,1,400
LB1,1,6,400
LB2,2,6,400
"""
EQUIPMENT = """device,kind,from_node,to_node,normal_open,telemetered,phases,rated_kva,feeder,substation,district,name
CB-A,breaker,S,A1,0,1,ABC,,FA,SUB,EAST,Feeder A breaker
LN-A,line,A1,A2,0,0,ABC,,FA,SUB,EAST,
SW-A,load_break_switch,A2,A3,0,1,ABC,,FA,SUB,EAST,Section switch
CB-B,breaker,S,B1,0,1,ABC,,FB,SUB,WEST,Feeder B breaker
LN-B,line,B1,B2,0,0,ABC,,FB,SUB,WEST,
TIE,switch,A3,B2,1,1,ABC,,FA,SUB,EAST,Tie
TA1,transformer,A1,LA1,0,0,ABC,400,FA,SUB,EAST,
TA2,transformer,A3,LA2,0,0,ABC,400,FA,SUB,EAST,
TB1,transformer,B1,LB1,0,0,ABC,400,FB,SUB,WEST,
TB2,transformer,B2,LB2,0,0,ABC,400,FB,SUB,WEST,
"""
SOURCES = "node\nS\n"
DISTRICTS = "code,name,parent\nCITY,City,\nEAST,东区,CITY\nWEST,西区,CITY\n"
CUSTOMERS = """account_no,name,kind,phone,email,address,district,usage_point,transformer,service_priority,rated_kva,nominal_v,meter_no,vip,status
1001,王小明,residential,13800000001,wang@example.com,东区人民路1号,EAST,UP-1001,TA1,ordinary,8,220,M-1001,0,active
1002,李丽,residential,13800000002,,东区人民路2号,EAST,UP-1002,TA2,life_support,8,220,M-1002,0,active
1003,Acme Works,industrial,010-65550003,,东区工业路3号,EAST,UP-1003,TA2,second,200,380,M-1003,1,active
1004,张伟,residential,13800000004,,东区人民路4号,EAST,UP-1004,TA2,ordinary,8,220,M-1004,0,disconnected
2001,陈晨,residential,13800000005,,西区解放路1号,WEST,UP-2001,TB1,ordinary,8,220,M-2001,0,active
2002,West Hospital,public,010-65550006,,西区解放路2号,WEST,UP-2002,TB2,special,500,380,M-2002,1,active
2003,无接线,residential,13800000007,,西区解放路3号,WEST,UP-2003,NOWHERE,ordinary,8,220,M-2003,0,active
"""
CONNECTIONS = """usage_point,transformer,role,transfer,phases,valid_from,valid_to
UP-1003,TA2,main,auto,,,
UP-1003,TB2,standby,auto,,,
"""
POINTS = """point_id,source,device_id,table,address,datatype,byte_order,scale,offset,unit,kind,equipment,quantity,normal_state,min,max,deadband,poll_seconds
CB-A.pos,rtu1,1,coil,0,bit,,,,,discrete,CB-A,position,1,,,,2
SW-A.pos,rtu1,1,coil,1,bit,,,,,discrete,SW-A,position,1,,,,2
TIE.pos,rtu1,1,coil,2,bit,,,,,discrete,TIE,position,0,,,,2
CB-B.pos,rtu1,1,coil,3,bit,,,,,discrete,CB-B,position,1,,,,2
FA.i,rtu1,1,holding,0,float32,big,1,0,A,analog,CB-A,current,,0,400,,2
FA.p,rtu1,1,holding,2,float32,big,1,0,kW,analog,CB-A,power,,0,5000,,2
"""
COIL = {"CB-A": 0, "SW-A": 1, "TIE": 2, "CB-B": 3}


def write(folder: Path) -> Path:
    """Write every file of the town into `folder`."""
    network = folder / "network"
    network.mkdir(parents=True)
    (network / "nodes.csv").write_text(NODES)
    (network / "equipment.csv").write_text(EQUIPMENT)
    (network / "sources.csv").write_text(SOURCES)
    for name, text in {
        "districts": DISTRICTS, "customers": CUSTOMERS, "connections": CONNECTIONS, "points": POINTS,
    }.items():  # fmt: skip
        (folder / f"{name}.csv").write_text(text)
    return folder
